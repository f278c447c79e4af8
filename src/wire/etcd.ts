import type { GrpcDuplex, GrpcError, GrpcTarget } from './grpc.ts';
import { connectGrpc } from './grpc.ts';
import type { GrpcMethod } from './grpc-schema.ts';

/** A key as etcd holds it. */
export interface EtcdEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface EtcdRange {
  /** The member's revision when it answered. */
  readonly revision: number;
  readonly entries: readonly EtcdEntry[];
  readonly more: boolean;
  readonly count: number;
}

/** From `from` to before `to`; only `from` when `to` is absent; `to` of one zero byte: to the end. */
export interface EtcdKeys {
  readonly from: Buffer;
  readonly to?: Buffer | undefined;
}

/** One key put or deleted if its modification revision is still the expected one (0: not there). */
export interface EtcdWrite {
  readonly key: Buffer;
  /** undefined deletes. */
  readonly value: Uint8Array | undefined;
  readonly expect: number;
}

export interface EtcdEvent {
  readonly type: 'put' | 'delete';
  readonly entry: EtcdEntry;
  readonly previous: EtcdEntry | undefined;
}

/** One message of a watch. */
export interface EtcdWatchMessage {
  readonly revision: number;
  /** More of the same revision follows in the next message. */
  readonly isFragment: boolean;
  readonly isCreated: boolean;
  /** The watch is over; with `compacted` because its start has been compacted away, up to there. */
  readonly isCanceled: boolean;
  readonly compacted: number;
  readonly reason: string;
  /** The answer to `requestProgress`: every event up to `revision` has been sent (etcd 3.4.25, 3.5.8 and newer keep that promise). */
  readonly isProgress: boolean;
  readonly events: readonly EtcdEvent[];
}

export interface EtcdWatch {
  requestProgress(): void;
  close(): void;
}

export interface EtcdWatchOptions {
  readonly keys: EtcdKeys;
  /** The first revision that is wanted. */
  readonly start: number;
  onMessage(message: EtcdWatchMessage): void;
  /** The stream broke. Called at most once. */
  onEnd(error: GrpcError | undefined): void;
}

/** One etcd member. Calls reject with GrpcError. */
export interface EtcdMember {
  /** Linearizable: never older than what any client has been told before. */
  range(
    options: EtcdKeys & { limit?: number; revision?: number; countOnly?: boolean; timeoutMs: number },
  ): Promise<EtcdRange>;
  /** `entry` is what stands in the way when it did not succeed. */
  write(
    write: EtcdWrite & { timeoutMs: number },
  ): Promise<{ succeeded: boolean; revision: number; entry: EtcdEntry | undefined }>;
  /** Without any condition. */
  put(put: { key: Buffer; value: Uint8Array; timeoutMs: number }): Promise<{ revision: number }>;
  /** Resolves when the history is really gone. */
  compact(options: { revision: number; timeoutMs: number }): Promise<void>;
  status(options: { timeoutMs: number }): Promise<{ version: string; sizeBytes: number }>;
  authenticate(user: { name: string; password: string; timeoutMs: number }): Promise<string>;
  watch(options: EtcdWatchOptions): EtcdWatch;
  close(): void;
}

interface Codec {
  method(service: string, name: string): GrpcMethod;
}

/** The field of 64 bits as the schema's raw form gives it. */
type Long = number | { toNumber(): number };
interface RawEntry {
  key: Buffer;
  value: Buffer;
  createRevision: Long;
  modRevision: Long;
}
type Raw = { header?: { revision: Long } | null } & Record<string, unknown>;

/** Connects when first asked. The protocol is loaded then, too. */
export async function connectEtcd(target: GrpcTarget): Promise<EtcdMember> {
  const [{ readSchema }, { etcdTable }] = await Promise.all([import('./grpc-schema.ts'), import('./etcd-schema.ts')]);
  const codec: Codec = { method: readSchema('etcdserverpb', etcdTable, 'raw') };
  const connection = connectGrpc(target);
  const call = async (service: string, name: string, message: object, timeoutMs: number) =>
    (await connection.call({ method: codec.method(service, name), message, timeoutMs })) as Raw;
  return {
    async range({ from, to, limit = 0, revision = 0, countOnly = false, timeoutMs }) {
      const asked = { key: from, ...(to && { rangeEnd: to }), limit, revision, countOnly };
      return toRange(await call('KV', 'Range', asked, timeoutMs));
    },
    async write({ timeoutMs, ...write }) {
      const answer = await call('KV', 'Txn', toTransaction(write), timeoutMs);
      const [response] = answer['responses'] as { responseRange?: Raw | null }[];
      const found = response?.responseRange ? toRange(response.responseRange).entries[0] : undefined;
      return { succeeded: answer['succeeded'] === true, revision: revisionOf(answer), entry: found };
    },
    put: async ({ key, value, timeoutMs }) => ({
      revision: revisionOf(await call('KV', 'Put', { key, value }, timeoutMs)),
    }),
    compact: async ({ revision, timeoutMs }) =>
      void (await call('KV', 'Compact', { revision, physical: true }, timeoutMs)),
    async status({ timeoutMs }) {
      const answer = await call('Maintenance', 'Status', {}, timeoutMs);
      return { version: String(answer['version']), sizeBytes: toNumber(answer['dbSize'] as Long) };
    },
    async authenticate({ timeoutMs, ...user }) {
      return String((await call('Auth', 'Authenticate', user, timeoutMs))['token']);
    },
    watch({ keys, start, onMessage, onEnd }) {
      const stream: GrpcDuplex = connection.duplex({
        method: codec.method('Watch', 'Watch'),
        onMessage: message => onMessage(toWatchMessage(message as Raw)),
        onEnd,
      });
      const createRequest = { key: keys.from, ...(keys.to && { rangeEnd: keys.to }), startRevision: start };
      stream.send({ createRequest: { ...createRequest, progressNotify: true, prevKv: true, fragment: true } });
      return { requestProgress: () => stream.send({ progressRequest: {} }), close: () => stream.close() };
    },
    close: () => connection.close(),
  };
}

const equal = 0;
const byModRevision = 2;

function toTransaction({ key, value, expect }: EtcdWrite): object {
  const compare = [{ result: equal, target: byModRevision, key, modRevision: expect }];
  const failure = [{ requestRange: { key } }];
  if (value) return { compare, success: [{ requestPut: { key, value } }], failure };
  return { compare, success: expect > 0 ? [{ requestDeleteRange: { key } }] : [], failure };
}

function toNumber(long: Long): number {
  return typeof long === 'number' ? long : long.toNumber();
}

function revisionOf(answer: Raw): number {
  return answer.header ? toNumber(answer.header.revision) : 0;
}

const empty = Buffer.alloc(0);

function toEntry({ key, value, createRevision, modRevision }: RawEntry): EtcdEntry {
  // The library gives an empty array for absent bytes.
  return {
    key,
    value: value.length > 0 ? value : empty,
    createRevision: toNumber(createRevision),
    modRevision: toNumber(modRevision),
  };
}

function toRange(answer: Raw): EtcdRange {
  return {
    revision: revisionOf(answer),
    entries: (answer['kvs'] as RawEntry[]).map(toEntry),
    more: answer['more'] === true,
    count: toNumber(answer['count'] as Long),
  };
}

/** What etcd sends as the id of no watch in particular. */
const noWatch = -1;
const deleteType = 1;

function toWatchMessage(message: Raw): EtcdWatchMessage {
  const events = message['events'] as { type: number; kv: RawEntry; prevKv?: RawEntry | null }[];
  const [isCreated, isCanceled] = [message['created'] === true, message['canceled'] === true];
  const isFragment = message['fragment'] === true;
  return {
    revision: revisionOf(message),
    isFragment,
    isCreated,
    isCanceled,
    compacted: toNumber(message['compactRevision'] as Long),
    reason: String(message['cancelReason']),
    isProgress: toNumber(message['watchId'] as Long) === noWatch && !isCreated && !isCanceled,
    events: events.map(({ type, kv, prevKv }) => ({
      type: type === deleteType ? 'delete' : 'put',
      entry: toEntry(kv),
      previous: prevKv ? toEntry(prevKv) : undefined,
    })),
  };
}
