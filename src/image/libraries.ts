import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

/** Where Debian keeps shared libraries, after /lib has become /usr/lib. */
const libraryFolders = ['/usr/lib', '/usr/lib64'];

/**
 * Paths (inside `root`) of the shared libraries and the loader that the given programs need, found by reading their ELF dynamic sections: nothing of the
 * image is run for it.
 */
export async function linkedLibraries(root: string, programs: readonly string[]): Promise<string[]> {
  const available = await librariesIn(root);
  const found = new Set<string>();
  const queue = [...programs];
  const add = (path: string) => {
    found.add(path);
    queue.push(path);
  };
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const name of await neededBy(join(root, path))) {
      const library = available.get(posix.basename(name));
      if (!library || found.has(library)) continue;
      add(library);
      // libz.so.1 is mostly a link to libz.so.1.2.13: both are needed.
      const target = await readlink(join(root, library)).catch(() => undefined);
      if (target) add(posix.resolve(dirname(library), target).replace(/^\/lib/, '/usr/lib'));
    }
  }
  return [...found];
}

async function librariesIn(root: string): Promise<Map<string, string>> {
  const libraries = new Map<string, string>();
  for (const folder of libraryFolders) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (/\.so(\.|$)/.test(entry.name)) {
        libraries.set(entry.name, `${entry.parentPath.slice(root.length)}/${entry.name}`);
      }
    }
  }
  return libraries;
}

/** Names of DT_NEEDED and of the interpreter; empty for what is no 64-bit ELF file. */
async function neededBy(path: string): Promise<string[]> {
  const file = await readFile(path).catch(() => Buffer.alloc(0));
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2) return [];
  const segments = programHeaders(file);
  const names = segments.filter(s => s.type === 3).map(s => file.toString('latin1', s.offset, s.offset + s.size - 1));
  const dynamic = segments.find(s => s.type === 2);
  if (!dynamic) return names;
  const toOffset = (address: number) => {
    const load = segments.find(s => s.type === 1 && address >= s.address && address < s.address + s.size);
    return load ? address - load.address + load.offset : -1;
  };
  const tags: [tag: number, value: number][] = [];
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    tags.push([Number(file.readBigInt64LE(at)), Number(file.readBigUInt64LE(at + 8))]);
  }
  const strings = toOffset(tags.find(([tag]) => tag === 5)?.[1] ?? -1);
  if (strings < 0) return names;
  const text = (offset: number) => file.toString('latin1', offset, file.indexOf(0, offset));
  return [...names, ...tags.filter(([tag]) => tag === 1).map(([, value]) => text(strings + value))];
}

function programHeaders(file: Buffer): { type: number; offset: number; address: number; size: number }[] {
  const start = Number(file.readBigUInt64LE(32));
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * file.readUInt16LE(54);
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: Number(file.readBigUInt64LE(at + 16)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}
