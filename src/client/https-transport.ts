import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import type { Clock } from '#base';
import { createSystemClock } from '#base';
import { createTokenSource } from './bearer-token.ts';
import type { RawRequest, RawResponse, Transport } from './client.ts';
import { ClientError } from './errors.ts';
import type { Exchange } from './http1-exchange.ts';
import { createHttp1Exchange } from './http1-exchange.ts';
import { createHttp2Exchange } from './http2-exchange.ts';
import type { ServerAccess } from './server-access.ts';

export interface HttpsTransportOptions extends ServerAccess {
  /** Until an answer's head must have arrived, in milliseconds. Default 60 s, as long as the server takes at most. Bodies (watches) may take for ever. */
  timeoutMs?: number;
  /** Default: the machine's. */
  clock?: Clock;
}

/** Until a connection must stand. */
const connectTimeoutMs = 15_000;

/**
 * Carries requests over TLS: multiplexed on HTTP/2 where the server offers it, else on kept-alive HTTP/1.1 connections. Connections are made when
 * needed and made again after they broke; a request whose connection breaks rejects with ClientError `unreachable`. Disposing cuts off what is
 * still open.
 */
export function createHttpsTransport(options: HttpsTransportOptions): Transport {
  const { clock = createSystemClock(), timeoutMs = 60_000 } = options;
  const url = parseServer(options.server);
  const token = createTokenSource(options, clock);
  const closed = new AbortController();
  let exchange: Promise<Exchange> | undefined;

  const open = () => {
    exchange ??= openExchange(options, url, clock).catch(error => {
      exchange = undefined;
      throw error;
    });
    return exchange;
  };
  const attempt = async (request: RawRequest): Promise<RawResponse> => {
    const authorization = await token();
    const path = url.pathname.replace(/\/$/, '') + request.path;
    const headers = { ...(authorization ? { authorization } : {}), ...request.headers };
    return (await open()).send({ ...request, path, headers });
  };
  return {
    async send(request) {
      if (closed.signal.aborted) throw new ClientError('unreachable', 'the transport is closed');
      const expired = new AbortController();
      const late = new ClientError('unreachable', `no answer from ${url.host} within ${timeoutMs / 1000} s`);
      const timer = clock.timer(timeoutMs, () => expired.abort(late), { unref: true });
      // Kept until the body ends: aborting the caller's signal later must still cut the body off.
      const signal = AbortSignal.any([expired.signal, closed.signal, ...(request.signal ? [request.signal] : [])]);
      try {
        signal.throwIfAborted();
        return await attempt({ ...request, signal });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof ClientError) throw error;
        throw new ClientError('unreachable', `cannot reach ${url.host}: ${(error as Error).message}`, { cause: error });
      } finally {
        timer[Symbol.dispose]();
      }
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new ClientError('unreachable', 'the transport is closed'));
      // An exchange that never came to be has nothing to close.
      (await exchange?.catch(() => undefined))?.close();
    },
  };
}

function parseServer(server: string): URL {
  const url = URL.parse(server.includes('://') ? server : `https://${server}`);
  if (url?.protocol !== 'https:') throw new ClientError('configuration', `server ${server} is no https URL`);
  return url;
}

/** Asks the server once which protocol it speaks, and goes on with that. */
async function openExchange(access: ServerAccess, url: URL, clock: Clock): Promise<Exchange> {
  const dial = () => dialTls(access, url, clock);
  const first = await dial();
  if (first.alpnProtocol === 'h2') return createHttp2Exchange({ authority: url.host, first, dial, clock });
  first.destroy();
  return createHttp1Exchange({ url, tls: tlsOptions(access, url) });
}

function tlsOptions(access: ServerAccess, url: URL) {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const servername = access.tlsServerName ?? (/^[\d.]+$|:/.test(host) ? '' : host);
  const options = { host, port: Number(url.port || 443), servername, rejectUnauthorized: !access.insecure };
  const given = Object.entries({ ca: access.ca, cert: access.cert, key: access.key }).filter(([, value]) => value);
  return { ...options, ...(Object.fromEntries(given) as Partial<Record<'ca' | 'cert' | 'key', string>>) };
}

function dialTls(access: ServerAccess, url: URL, clock: Clock): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) => {
      timer[Symbol.dispose]();
      socket.destroy();
      reject(new ClientError('unreachable', `cannot connect to ${url.host}: ${message}`, { cause }));
    };
    const timer = clock.timer(connectTimeoutMs, () => fail('timed out'), { unref: true });
    const socket = connect({ ...tlsOptions(access, url), ALPNProtocols: ['h2', 'http/1.1'] });
    const refused = (error: Error) => fail(error.message, error);
    socket.once('error', refused);
    socket.once('secureConnect', () => {
      timer[Symbol.dispose]();
      socket.off('error', refused);
      resolve(socket);
    });
  });
}
