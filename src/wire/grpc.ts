import type { GrpcMethod } from './grpc-schema.ts';

export type GrpcErrorCode =
  /** Nobody listens, or the connection broke: nothing is known about what was done. */
  | 'unavailable'
  | 'notFound'
  | 'alreadyExists'
  | 'deadlineExceeded'
  | 'cancelled'
  | 'unimplemented'
  | 'invalidArgument'
  | 'failedPrecondition'
  | 'resourceExhausted'
  | 'unauthenticated'
  | 'permissionDenied'
  | 'outOfRange'
  | 'unknown';

/** The server (or the way to it) said no. `message` is the server's text without gRPC's prefix; `grpcText` has it as Go programs print it. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: GrpcErrorCode;

  constructor(code: GrpcErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get grpcText(): string {
    const code = this.code[0]!.toUpperCase() + this.code.slice(1);
    return `rpc error: code = ${code === 'Cancelled' ? 'Canceled' : code} desc = ${this.message}`;
  }
}

export const isGrpcError = (error: unknown, code?: GrpcErrorCode): error is GrpcError =>
  error instanceof GrpcError && (code === undefined || error.code === code);

export interface GrpcCall {
  method: GrpcMethod;
  message: object;
  /** Milliseconds from now; Infinity: none. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface GrpcDuplexCall {
  method: GrpcMethod;
  /** Must not throw. */
  onMessage(message: object): void;
  /** The other side ended it: undefined when it was done, else why. Called at most once, never after `close`. */
  onEnd(error: GrpcError | undefined): void;
}

export interface GrpcDuplex {
  /** Dropped when the stream is over. */
  send(message: object): void;
  close(): void;
}

export interface GrpcConnection {
  /** One question, one answer. Rejects with GrpcError. */
  call(call: GrpcCall): Promise<object>;
  /** Messages until the server ends the stream; rejects with GrpcError, or ends quietly when `signal` aborts. */
  stream(call: GrpcCall): AsyncIterable<object>;
  /** Messages both ways at once, without a deadline. */
  duplex(call: GrpcDuplexCall): GrpcDuplex;
  close(): void;
}

export interface GrpcTarget {
  /** `unix:///run/x.sock` or `host:port`. */
  address: string;
  /** Wall-clock milliseconds: deadlines are absolute. */
  now(): number;
  metadata?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** PEM texts; absent: no TLS. Without `ca` the authorities that Node knows. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  /** While calls are under way the other side is asked this often whether it lives; a connection that does not answer breaks. Default never. */
  keepaliveMs?: number;
  /** Of one message in either direction; -1: no limit. Default 16 MiB, what containerd sends at most. */
  maxMessageBytes?: number;
}

/**
 * Connects when the first call is made, and again after a break; calls fail at once with `unavailable` while nobody listens. The gRPC library is loaded here and not
 * with this room: a server without a node never needs it, and it would be a tenth of its start.
 */
export function connectGrpc(target: GrpcTarget): GrpcConnection {
  const channel = import('./grpc-channel.ts').then(({ openChannel }) => openChannel(target));
  // A failed import is met by every call; nobody may be waiting for it yet.
  channel.catch(() => undefined);
  return {
    call: async call => (await channel).call(call),
    async *stream(call) {
      yield* (await channel).stream(call);
    },
    duplex: call => openLater(channel, call),
    close: () =>
      void channel.then(
        open => open.close(),
        () => undefined,
      ),
  };
}

/** A stream that is asked for before the library is there. */
function openLater(channel: Promise<GrpcConnection>, call: GrpcDuplexCall): GrpcDuplex {
  const early: object[] = [];
  let stream: GrpcDuplex | undefined;
  let isClosed = false;
  channel.then(
    open => {
      if (isClosed) return;
      stream = open.duplex(call);
      for (const message of early) stream.send(message);
    },
    cause => isClosed || call.onEnd(new GrpcError('unavailable', String(cause), { cause })),
  );
  return {
    send: message => void (stream ? stream.send(message) : early.push(message)),
    close() {
      isClosed = true;
      stream?.close();
    },
  };
}
