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

export interface GrpcConnection {
  /** One question, one answer. Rejects with GrpcError. */
  call(call: GrpcCall): Promise<object>;
  /** Messages until the server ends the stream; rejects with GrpcError, or ends quietly when `signal` aborts. */
  stream(call: GrpcCall): AsyncIterable<object>;
  close(): void;
}

export interface GrpcTarget {
  /** `unix:///run/x.sock` or `host:port`. */
  address: string;
  /** Wall-clock milliseconds: deadlines are absolute. */
  now(): number;
  metadata?: Readonly<Record<string, string>>;
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
    close: () =>
      void channel.then(
        open => open.close(),
        () => undefined,
      ),
  };
}
