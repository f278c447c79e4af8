import type { Status } from '#api';
import type { RawResponse, WatchEvent } from './client.ts';
import { ApiError, ClientError } from './errors.ts';

/** A single object may be 3 MiB in a request and grows by managedFields and encoding; anything longer is no watch event. */
const maxLineBytes = 16 * 1024 * 1024;

/** The events of a watch, as bytes (see parseWatch) or as a server in this process hands them out. */
export async function* readWatch<T>(open: () => Promise<RawResponse>): AsyncGenerator<WatchEvent<T>> {
  const response = await open();
  if (!response.values) return yield* parseWatch<T>(async () => response.body);
  for await (const event of response.values) {
    const { type, object } = event as ReadEvent;
    yield checked<T>({ type, object });
  }
}

/**
 * Reads watch events, one JSON object a line, from chunks cut anywhere, of the stream that `open` resolves with. Throws the ApiError that an ERROR event carries, and ClientError
 * `malformed` for lines that are no events or are longer than 16 MiB. A last line cut off by the end of the stream is dropped: the event
 * comes again when the watch is resumed.
 */
export async function* parseWatch<T>(open: () => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<WatchEvent<T>> {
  const pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of await open()) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = joinLine(pending, chunk.subarray(start, end));
      [pending.length, pendingBytes, start] = [0, 0, end + 1];
      if (line.trim()) yield toEvent<T>(line);
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes) throw new ClientError('malformed', 'a watch event is longer than 16 MiB');
  }
}

/** Most events come whole, and are not copied before they are read. */
function joinLine(pending: readonly Uint8Array[], end: Uint8Array): string {
  const bytes = pending.length === 0 ? end : Buffer.concat([...pending, end]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

interface ReadEvent {
  type?: string | undefined;
  object?: unknown;
}

function toEvent<T>(line: string): WatchEvent<T> {
  let event: ReadEvent;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new ClientError('malformed', 'a watch event is not JSON', { cause });
  }
  return checked(event);
}

function checked<T>(event: ReadEvent): WatchEvent<T> {
  if (event.type === 'ERROR') throw new ApiError(event.object as Status);
  if (!event.type || !event.object) throw new ClientError('malformed', 'a watch event has no type or no object');
  return event as WatchEvent<T>;
}
