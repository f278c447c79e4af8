import { StoreError } from '../store.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html */
const codes = { busy: 5, locked: 6, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const;

/** What a person can do about it, by primary result code. */
const remedies: Record<number, string> = {
  [codes.busy]: 'another server has it open; stop that one, or give this one its own data directory',
  [codes.locked]: 'another server has it open; stop that one, or give this one its own data directory',
  [codes.readonly]:
    'it cannot be written; check the owner and mode of the file and its directory, and that the disk is not mounted read-only',
  [codes.ioerr]: 'the disk failed to read or write; check the kernel log and the free space',
  [codes.corrupt]: 'the file is damaged; restore a backup, or move it away (with its -wal file) to start empty',
  [codes.full]: 'the disk is full; nothing was changed, writing works again when there is room',
  [codes.cantopen]: 'it cannot be opened; check that the directory exists and can be written',
  [codes.notadb]:
    'the file is damaged or no database; restore a backup, or move it away (with its -wal file) to start empty',
};

/** Any failure of SQLite or the file system as StoreError `unavailable`, with file and remedy in the message. A StoreError stays as it is. */
export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const remedy = remedies[primaryCode(error) ?? -1];
  return new StoreError('unavailable', `store ${path}: ${reason}${remedy ? `: ${remedy}` : ''}`, { cause: error });
}

export function isDiskFull(error: unknown): boolean {
  return primaryCode(error) === codes.full;
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
