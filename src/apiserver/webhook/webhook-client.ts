import { jsonTextSteps, parseJsonSteps } from '#api';
import type { Clock, Random } from '#base';
import { createTurn, inTurns, isSmall } from '#base';
import type { ObjectReader } from '../reader.ts';
import { Agents } from './agents.ts';
import { statusOfAnswer, type WholeAnswer } from './answer-status.ts';
import { WebhookCallError } from './call-error.ts';
import { describeFailure } from './go-words.ts';
import { AnswerTooLong, type Post, post } from './post.ts';
import { type Address, resolveService } from './service-endpoint.ts';

/** How to reach a webhook, as admissionregistration/v1, apiextensions/v1 and webhook kubeconfigs say it. Exactly one of `url` and `service`. */
export interface WebhookClientConfig {
  readonly url?: string | undefined;
  readonly service?:
    | {
        readonly namespace: string;
        readonly name: string;
        readonly path?: string | undefined;
        /** Default 443. */
        readonly port?: number | undefined;
      }
    | undefined;
  /** PEM in base64, as it stands in the object; absent or empty: the system's roots. */
  readonly caBundle?: string | undefined;
}

export interface WebhookCall {
  readonly clientConfig: WebhookClientConfig;
  /** Sent as JSON. */
  readonly body: unknown;
  readonly timeoutMs: number;
  /** The request for which the webhook is asked: when it is over, so is the call. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the path of the configuration. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** By what the caller shows itself, and whether it looks at the other end (kubeconfigs can say both). */
  readonly tls?:
    | {
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly serverName?: string | undefined;
        readonly insecure?: boolean | undefined;
      }
    | undefined;
  /** False: no `?timeout=10s`, which admission and conversion webhooks are told and others are not. Default true. */
  readonly tellsTimeout?: boolean | undefined;
  /** Longest answer. Default 3 MiB. */
  readonly maxResponseBytes?: number | undefined;
}

export interface WebhookClient extends Disposable {
  /** The answer's JSON; undefined for an empty answer with a status of success. Rejects with WebhookCallError only. */
  call(call: WebhookCall): Promise<unknown>;
}

export interface WebhookClientDeps {
  /** For references to services. */
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

/** As large as the largest object that the API takes. */
const defaultMaxBytes = 3 * 1024 * 1024;
const defaultServicePort = 443;
/** What is more, in values or characters, is written and read in turns. */
const maxValuesHere = 5000;
const maxTextHere = 128 * 1024;
const maxTurnMs = 3;

/** Calls webhooks over kept connections, one pool a target. Disposing cuts off what is under way. */
export function createWebhookClient(deps: WebhookClientDeps): WebhookClient {
  const agents = new Agents();
  return {
    call: call => callOnce(call, agents, deps),
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

/** Where a call goes, before the service is looked up. */
interface Target {
  readonly protocol: 'http:' | 'https:';
  /** As in Go's URL.Host: with the port if one was named. */
  readonly host: string;
  readonly serverName: string;
  readonly path: string;
  /** Throws what is wrong with the service. */
  address(): Address;
}

async function callOnce(call: WebhookCall, agents: Agents, deps: WebhookClientDeps): Promise<unknown> {
  const target = targetOf(call, deps);
  const path = call.tellsTimeout === false ? target.path : `${target.path}?timeout=${formatSeconds(call.timeoutMs)}`;
  const where = `${target.protocol}//${target.host}${path}`;
  const ca = call.clientConfig.caBundle ? Buffer.from(call.clientConfig.caBundle, 'base64').toString() : undefined;
  const { serverName = target.serverName, ...identity } = call.tls ?? {};
  const answer = await withTimeout(call, { deps, where }, async signal => {
    const address = resolve(target, where);
    const agent = await agents.of({ ...target, serverName, ca, ...identity }).catch(cause => {
      throw new WebhookCallError('unreachable', `unable to load root certificates: ${(cause as Error).message}`, {
        cause,
      });
    });
    const headers = {
      accept: 'application/json, */*',
      'content-type': 'application/json',
      'user-agent': 'kube-apiserver-admission',
      ...call.headers,
    };
    const body = Buffer.from(await textOf(call.body, deps.clock));
    const maxBytes = call.maxResponseBytes ?? defaultMaxBytes;
    return send({ ...target, path, address, agent, headers, body, signal, maxBytes }, where);
  });
  return read(answer, deps.clock);
}

function resolve(target: Target, where: string): Address {
  try {
    return target.address();
  } catch (cause) {
    throw new WebhookCallError('unreachable', `Post "${where}": ${(cause as Error).message}`, { cause });
  }
}

async function send(request: Post, where: string): Promise<WholeAnswer> {
  try {
    return await post(request);
  } catch (cause) {
    if (cause instanceof WebhookCallError) throw cause;
    if (cause instanceof AnswerTooLong) throw new WebhookCallError('unreadable', (cause as Error).message, { cause });
    throw new WebhookCallError('unreachable', `Post "${where}": ${describeFailure(cause, request.address)}`, { cause });
  }
}

/** Runs with a signal that aborts when the time is over or the caller's signal aborts; its reason is the WebhookCallError to reject with. */
async function withTimeout(
  { timeoutMs, signal }: WebhookCall,
  { deps, where }: { deps: WebhookClientDeps; where: string },
  run: (signal: AbortSignal) => Promise<WholeAnswer>,
): Promise<WholeAnswer> {
  const stop = new AbortController();
  const end = (code: 'timeout' | 'cancelled', text: string) =>
    stop.abort(new WebhookCallError(code, `Post "${where}": ${text}`));
  const cancel = () => end('cancelled', 'context canceled');
  if (signal?.aborted) cancel();
  using _timer = deps.clock.timer(timeoutMs, () => end('timeout', 'context deadline exceeded'), { unref: true });
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await run(stop.signal);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Large objects in as many turns of the event loop as they take. */
async function textOf(value: unknown, clock: Clock): Promise<string> {
  if (isSmall(value, maxValuesHere)) return JSON.stringify(value);
  return inTurns(createTurn(clock, maxTurnMs), jsonTextSteps(value));
}

async function read(answer: WholeAnswer, clock: Clock): Promise<unknown> {
  if (answer.status < 200 || answer.status > 206) {
    const answered = statusOfAnswer(answer);
    throw new WebhookCallError('refused', answered.message, { answered });
  }
  if (answer.body.length === 0) return undefined;
  try {
    const text = answer.body.toString();
    if (text.length <= maxTextHere) return JSON.parse(text);
    return await inTurns(createTurn(clock, maxTurnMs), parseJsonSteps(text));
  } catch (cause) {
    const text = `couldn't get version/kind; json parse error: ${(cause as Error).message}`;
    throw new WebhookCallError('unreadable', text, { cause });
  }
}

function targetOf({ clientConfig, path }: WebhookCall, { reader, random }: WebhookClientDeps): Target {
  const { url, service } = clientConfig;
  if (service) {
    const { namespace, name, port = defaultServicePort } = service;
    const serverName = `${name}.${namespace}.svc`;
    return {
      protocol: 'https:',
      host: `${serverName}:${port}`,
      serverName,
      path: absolute(path ?? service.path ?? ''),
      address: () => resolveService(reader, random, { namespace, name, port }),
    };
  }
  if (!url) throw new WebhookCallError('unreachable', 'webhook configuration must have either service or URL');
  if (!URL.canParse(url)) throw new WebhookCallError('unreachable', `Unparsable URL: ${url}`);
  const { protocol, hostname, port, pathname } = new URL(url);
  const isPlain = protocol === 'http:';
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    protocol: isPlain ? 'http:' : 'https:',
    host: hostOf(url, port ? `${hostname}:${port}` : hostname),
    serverName: host,
    path: absolute(path ?? pathname),
    address: () => ({ host, port: Number(port || (isPlain ? 80 : 443)) }),
  };
}

/** Host and port as they were written: URL leaves out the port that its scheme implies. */
function hostOf(url: string, otherwise: string): string {
  return /^\w+:\/\/([^/?#@]+)/.exec(url)?.[1] ?? otherwise;
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** As Go prints a duration of whole seconds; parts of one count as one. */
function formatSeconds(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
