import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { APIService } from '#api';
import type { Random } from '#base';
import type { ObjectReader } from '../reader.ts';
import { Agents } from '../webhook/agents.ts';
import { describeFailure, formatAddress } from '../webhook/go-words.ts';
import { type Address, resolveService } from '../webhook/service-endpoint.ts';

/** By what this server shows itself to those behind it: a certificate of the request-header authority. PEM. */
export interface ProxyIdentity {
  readonly cert: string;
  readonly key: string;
}

/** One request to a server behind this one. */
export interface BackendCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Undefined: no body. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  /** Availability is asked without looking at the certificate (as upstream): what it tells is not trusted. */
  readonly insecure?: boolean | undefined;
}

export type BackendAnswer =
  | { readonly upgraded: false; readonly response: IncomingMessage; readonly address: Address }
  | {
      readonly upgraded: true;
      readonly response: IncomingMessage;
      readonly address: Address;
      readonly socket: Duplex;
      readonly head: Buffer;
    };

/** Sends to the servers that APIServices name, over kept connections. */
export interface Backends extends Disposable {
  /** An endpoint of the service; throws upstream's words when there is none. */
  resolve(service: APIService): Address;
  /** Rejects with an Error in the words of Go's HTTP client, or with the signal's reason. */
  send(service: APIService, address: Address, call: BackendCall): Promise<BackendAnswer>;
}

export const defaultServicePort = 443;

export function createBackends(deps: {
  reader: ObjectReader;
  random: Random;
  identity: ProxyIdentity | undefined;
}): Backends {
  const agents = new Agents();
  return {
    resolve(object) {
      const { name = '', namespace = '', port = defaultServicePort } = object.spec.service ?? {};
      return resolveService(deps.reader, deps.random, { name, namespace, port });
    },
    async send(object, address, call) {
      const { name, namespace } = object.spec.service ?? {};
      const serverName = `${name}.${namespace}.svc`;
      const insecure = call.insecure || object.spec.insecureSkipTLSVerify;
      const ca = object.spec.caBundle ? Buffer.from(object.spec.caBundle, 'base64').toString() : undefined;
      const agent = await agents
        .of({
          protocol: 'https:',
          host: serverName,
          serverName,
          ...deps.identity,
          ...(insecure ? { insecure } : { ca }),
        })
        .catch(cause => {
          throw new Error(`unable to load root certificates: ${(cause as Error).message}`, { cause });
        });
      const options = { agent, host: address.host, port: address.port, headers: { host: serverName, ...call.headers } };
      try {
        return await send({ ...options, method: call.method, path: call.path }, address, call);
      } catch (cause) {
        if (call.signal.aborted) throw call.signal.reason;
        throw new Error(describeFailure(cause, address), { cause });
      }
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

/** `https://10.0.0.1:443/path`, for messages. */
export function backendUrl(address: Address, path: string): string {
  return `https://${formatAddress(address)}${path}`;
}

async function send(options: RequestOptions, address: Address, call: BackendCall): Promise<BackendAnswer> {
  try {
    return await once(options, address, call);
  } catch (error) {
    const { reused, code } = error as { reused?: boolean; code?: string };
    const isStale = reused && (code === 'ECONNRESET' || code === 'EPIPE');
    if (!isStale || call.body || call.signal.aborted) throw error;
    // A kept connection that the other end closed just as it was used again: nothing was answered on it.
    return once(options, address, call);
  }
}

async function once(options: RequestOptions, address: Address, call: BackendCall): Promise<BackendAnswer> {
  const { request } = await import('node:https');
  call.signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>();
  const sent = request(options);
  const abort = () => sent.destroy(new Error('the request ended'));
  call.signal.addEventListener('abort', abort, { once: true });
  sent.on('close', () => call.signal.removeEventListener('abort', abort));
  sent.on('error', error => reject(Object.assign(error, { reused: sent.reusedSocket })));
  sent.on('response', response => resolve({ upgraded: false, response, address }));
  sent.on('upgrade', (response, socket, head) => {
    call.signal.removeEventListener('abort', abort);
    resolve({ upgraded: true, response, address, socket, head });
  });
  if (call.body) {
    sendBody(call.body, sent).catch(error => {
      reject(error);
      sent.destroy();
    });
  } else sent.end();
  return promise;
}

async function sendBody(body: AsyncIterable<Uint8Array>, to: import('node:http').ClientRequest): Promise<void> {
  for await (const chunk of body) {
    if (to.destroyed) return;
    if (to.write(chunk)) continue;
    await new Promise<void>(resolve => {
      to.once('drain', resolve);
      to.once('close', resolve);
    });
  }
  to.end();
}
