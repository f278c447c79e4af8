import type { IncomingHttpHeaders } from 'node:http';
import type { APIService } from '#api';
import type { Clock } from '#base';
import type { Response } from '#wire';
import { joinSockets } from '#wire';
import { textAnswer } from '../content/answer.ts';
import { timedOut } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { isLongRunning } from '../stages/limit.ts';
import { isAvailable } from './api-services.ts';
import type { BackendAnswer, Backends } from './backend.ts';
import { isIdentityHeader, toIdentityHeaders } from './identity-headers.ts';

/** How long a server behind may take to begin its answer: upstream's time for a request (--request-timeout). */
const answerMs = 60_000;

/** Headers that speak of one connection (RFC 9110, 7.6.1). */
const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];
/** What the client told this server alone: credentials, and whom it acts as, which has been decided here. */
const ours: readonly string[] = ['authorization', 'host'];

/**
 * Passes a request to the server of an APIService and its answer back, both as they come; upgrades too. Answers 503 in plain text, as upstream, when that
 * server is not available or cannot be reached. Throws the Status of a timeout when it does not answer.
 */
export async function proxyToBackend(
  exchange: Exchange,
  service: APIService,
  { backends, clock }: { backends: Backends; clock: Clock },
): Promise<Response> {
  if (!isAvailable(service)) return unavailable('service unavailable');
  const { request } = exchange;
  exchange.delegated?.();
  const stop = new AbortController();
  const abort = () => stop.abort(request.signal.reason);
  if (request.signal.aborted) abort();
  request.signal.addEventListener('abort', abort, { once: true });
  using _timer = isLongRunning(exchange)
    ? undefined
    : clock.timer(answerMs, () => stop.abort(timedOut()), { unref: true });
  try {
    const address = backends.resolve(service);
    const answer = await backends.send(service, address, {
      method: request.method,
      path: request.search ? `${request.path}?${request.search}` : request.path,
      headers: requestHeaders(exchange),
      body: hasBody(exchange) ? request.stream() : undefined,
      signal: stop.signal,
    });
    return answer.upgraded
      ? upgraded(answer)
      : streamed(answer, () => request.signal.removeEventListener('abort', abort));
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    // An endpoint that is gone is told as such; what the connection says, with upstream's words before it.
    const cause = (error as Error).cause;
    return unavailable(cause ? `error trying to reach service: ${(error as Error).message}` : 'service unavailable');
  }
}

function unavailable(text: string): Response {
  return textAnswer(503, `${text}\n`);
}

function hasBody({ request }: Exchange): boolean {
  if (request.headers['upgrade']) return false;
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  return request.headers['content-length'] !== '0';
}

function requestHeaders({ request, user }: Exchange): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && isPassedOn(name)) headers[name] = value;
  }
  const upgrade = request.headers['upgrade'];
  if (upgrade) Object.assign(headers, { connection: 'Upgrade', upgrade });
  const before = request.headers['x-forwarded-for'];
  headers['x-forwarded-for'] = before ? `${before}, ${request.peer.address}` : request.peer.address;
  if (request.headers['host']) headers['x-forwarded-host'] = request.headers['host'];
  headers['x-forwarded-proto'] = 'https';
  headers['x-forwarded-uri'] = request.path;
  return { ...headers, ...toIdentityHeaders(user) };
}

function isPassedOn(name: string): boolean {
  if (name.startsWith(':') || name.startsWith('impersonate-')) return false;
  return !hopByHop.includes(name) && !ours.includes(name) && !isIdentityHeader(name);
}

/** The body as it arrives; what the client does not take is not read. When the client leaves, the server behind is told by the end of its connection. */
function streamed({ response, address }: BackendAnswer, done: () => void): Response {
  return {
    status: response.statusCode!,
    headers: answerHeaders(response.headers, address.host),
    async body(sink) {
      try {
        for await (const chunk of response as AsyncIterable<Uint8Array>) if (!sink.write(chunk)) await sink.drained();
      } finally {
        done();
      }
    },
  };
}

function upgraded(answer: BackendAnswer & { upgraded: true }): Response {
  const { response } = answer;
  return {
    status: 101,
    headers: {
      ...answerHeaders(response.headers, answer.address.host),
      connection: 'Upgrade',
      upgrade: response.headers.upgrade ?? '',
    },
    upgrade: (socket, head) => joinSockets({ socket, head }, answer),
  };
}

function answerHeaders(headers: IncomingHttpHeaders, host: string): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || hopByHop.includes(name)) continue;
    passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  if (passed['location']) passed['location'] = withoutHost(passed['location'], host);
  return passed;
}

/** A redirect to the server behind itself leads clients back here: they cannot reach it. */
function withoutHost(location: string, host: string): string {
  if (!URL.canParse(location)) return location;
  const { hostname, pathname, search } = new URL(location);
  return hostname === host ? `${pathname}${search}` : location;
}
