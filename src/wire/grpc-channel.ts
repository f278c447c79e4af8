import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import { credentials, Client as GrpcClient, Metadata, status } from '@grpc/grpc-js';
import type { GrpcConnection, GrpcErrorCode, GrpcTarget } from './grpc.ts';
import { GrpcError } from './grpc.ts';

const codes: Partial<Record<status, GrpcErrorCode>> = {
  [status.UNAVAILABLE]: 'unavailable',
  [status.NOT_FOUND]: 'notFound',
  [status.ALREADY_EXISTS]: 'alreadyExists',
  [status.DEADLINE_EXCEEDED]: 'deadlineExceeded',
  [status.CANCELLED]: 'cancelled',
  [status.UNIMPLEMENTED]: 'unimplemented',
  [status.INVALID_ARGUMENT]: 'invalidArgument',
  [status.FAILED_PRECONDITION]: 'failedPrecondition',
  [status.RESOURCE_EXHAUSTED]: 'resourceExhausted',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.PERMISSION_DENIED]: 'permissionDenied',
  [status.OUT_OF_RANGE]: 'outOfRange',
};

const maxMessageBytes = 16 * 1024 * 1024;

/** Opens the connection that `connectGrpc` describes. */
export function openChannel(target: GrpcTarget): GrpcConnection {
  const { address, now, metadata = {}, tls, keepaliveMs } = target;
  const largest = target.maxMessageBytes ?? maxMessageBytes;
  const security = tls ? toCredentials(tls, ipOf(address)) : credentials.createInsecure();
  const client = new GrpcClient(address, security, {
    'grpc.max_receive_message_length': largest,
    'grpc.max_send_message_length': largest,
    ...(keepaliveMs && { 'grpc.keepalive_time_ms': keepaliveMs, 'grpc.keepalive_timeout_ms': keepaliveMs / 2 }),
    ...(tls && ipOf(address) && { 'grpc.ssl_target_name_override': noName }),
    // A runtime that restarts must be found again soon.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
  });
  const headers = () => {
    const made = new Metadata();
    const pairs = typeof metadata === 'function' ? metadata() : metadata;
    for (const [name, value] of Object.entries(pairs)) made.set(name, value);
    return made;
  };
  const optionsOf = (timeoutMs: number) => (Number.isFinite(timeoutMs) ? { deadline: now() + timeoutMs } : {});
  return {
    call: ({ method, message, timeoutMs, signal }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new GrpcError('cancelled', 'the call was cancelled'));
        const { path, encode, decode } = method;
        const done = (error: ServiceError | null, value?: object) => {
          signal?.removeEventListener('abort', cancel);
          if (error) reject(toGrpcError(error));
          else resolve(value!);
        };
        const call = client.makeUnaryRequest(path, encode, decode, message, headers(), optionsOf(timeoutMs), done);
        const cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel, { once: true });
      }),
    async *stream({ method, message, timeoutMs, signal }) {
      const { path, encode, decode } = method;
      const call = client.makeServerStreamRequest(path, encode, decode, message, headers(), optionsOf(timeoutMs));
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        for await (const item of call) yield item as object;
      } catch (error) {
        if (!signal?.aborted) throw toGrpcError(error as ServiceError);
      } finally {
        signal?.removeEventListener('abort', cancel);
        call.cancel();
      }
    },
    duplex({ method, onMessage, onEnd }) {
      const { path, encode, decode } = method;
      const call = client.makeBidiStreamRequest(path, encode, decode, headers());
      let isOver = false;
      const end = (error: GrpcError | undefined) => {
        if (!isOver) onEnd(error);
        isOver = true;
      };
      call.on('data', (message: object) => isOver || onMessage(message));
      call.on('error', error => end(toGrpcError(error as ServiceError)));
      call.on('end', () => end(undefined));
      return {
        send: message => void (isOver || call.write(message)),
        close() {
          isOver = true;
          call.cancel();
        },
      };
    },
    close: () => client.close(),
  };
}

/** Sent as the server's name where only its address is known: TLS allows no addresses there (RFC 6066). */
const noName = 'ip.invalid';

function ipOf(address: string): string | undefined {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(host) ? host : undefined;
}

function toCredentials({ ca, cert, key }: NonNullable<GrpcTarget['tls']>, ip: string | undefined): ChannelCredentials {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const verify =
    ip === undefined
      ? {}
      : { checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(ip, peer) };
  return credentials.createSsl(pem(ca), pem(key), pem(cert), verify);
}

function toGrpcError(error: ServiceError): GrpcError {
  return new GrpcError(codes[error.code] ?? 'unknown', error.details || error.message, { cause: error });
}
