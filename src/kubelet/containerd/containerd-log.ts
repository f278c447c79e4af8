import { closeSync, copyFileSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';

const maxBytes = 5 * 1024 * 1024;
const tailBytes = 16 * 1024;

/** Before a start: a log that has grown large becomes `<path>.1`. */
export function rotateLog(path: string): void {
  if (existsSync(path) && statSync(path).size > maxBytes) renameSync(path, `${path}.1`);
}

/** While its writer holds it open: copied, then emptied. What is written in between is lost. */
export function trimLog(path: string): void {
  if (!existsSync(path) || statSync(path).size <= maxBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

/** What it said last, errors before others, on one line. */
export function lastLines(path: string): string {
  if (!existsSync(path)) return 'it wrote no log';
  const lines = readTail(path).trimEnd().split('\n');
  const errors = lines.filter(line => /level=(error|fatal)|^containerd:|not found$/.test(line));
  return (errors.length ? errors : lines).slice(-2).join(' | ') || 'it wrote nothing';
}

function readTail(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = statSync(path);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, size - buffer.length));
  } finally {
    closeSync(file);
  }
}
