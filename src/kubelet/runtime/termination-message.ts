import { open } from 'node:fs/promises';
import type { CriContainerStatus } from '#wire';
import { annotations } from './labels.ts';

/** Upstream's limits: of the file, and of what is taken from the log instead. */
const [maxMessageBytes, maxLogBytes, maxLogLines] = [4096, 2048, 80];

/** What an ended container left to say: its termination file, or with FallbackToLogsOnError the end of its log; else the runtime's own words. */
export async function terminationMessage(status: CriContainerStatus): Promise<string> {
  if (status.state !== 'CONTAINER_EXITED') return status.message;
  const path = status.annotations[annotations.terminationMessagePath];
  const mount = path ? status.mounts.find(one => one.containerPath === path) : undefined;
  const written = mount ? await readEnd(mount.hostPath, maxMessageBytes, 'start') : '';
  if (written) return written;
  const fallback = status.annotations[annotations.terminationMessagePolicy] === 'FallbackToLogsOnError';
  if (!fallback || status.exitCode === 0 || !status.logPath) return status.message;
  // A line of the log has some 45 bytes of its own; enough is read for the wanted text.
  const log = await readEnd(status.logPath, maxLogBytes * 4, 'end');
  const lines = log.split('\n').filter(Boolean).slice(-maxLogLines);
  const text = lines.map(line => line.replace(/^\S+ std(?:out|err) \w /, '') + '\n').join('');
  return text.slice(-maxLogBytes) || status.message;
}

async function readEnd(path: string, bytes: number, which: 'start' | 'end'): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const position = which === 'start' ? 0 : Math.max(0, size - bytes);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } catch {
    // The file went with the pod's folder: the container left no message.
    return '';
  }
}
