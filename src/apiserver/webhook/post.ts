import type { Agent, IncomingMessage } from 'node:http';
import type { WholeAnswer } from './answer-status.ts';
import type { Address } from './service-endpoint.ts';

/** One POST, with everything resolved. */
export interface Post {
  readonly protocol: 'http:' | 'https:';
  /** The Host header: the other end as the configuration names it. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
  /** Where to dial. */
  readonly address: Address;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** An answer that is longer than anybody may send. */
export class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';
  constructor(maxBytes: number) {
    super(`the response body is larger than ${maxBytes} bytes`);
  }
}

type Send = typeof import('node:https').request;

/** Sends and reads the answer whole. Rejects with Node's own error, the signal's reason, or AnswerTooLong. */
export async function post(request: Post): Promise<WholeAnswer> {
  const module = await (request.protocol === 'http:' ? import('node:http') : import('node:https'));
  const send = module.request as Send;
  try {
    return await once(send, request);
  } catch (error) {
    const { reused, code } = error as { reused?: boolean; code?: string };
    const isStale = reused && (code === 'ECONNRESET' || code === 'EPIPE');
    if (!isStale || request.signal.aborted) throw error;
    // A kept connection that the other end closed just as it was used again: nothing was answered on it. Go's transport does the same.
    return once(send, request);
  }
}

function once(send: Send, request: Post): Promise<WholeAnswer> {
  const { host, path, address, agent, headers, body, signal, maxBytes } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const call = send({
      agent,
      host: address.host,
      port: address.port,
      method: 'POST',
      path,
      headers: { host, ...headers, 'content-length': String(body.length) },
    });
    const abort = () => call.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    call.on('close', () => signal.removeEventListener('abort', abort));
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
    call.on('error', error => fail(Object.assign(error, { reused: call.reusedSocket })));
    call.on('response', answer => {
      readWhole(answer, maxBytes).then(resolve, error => {
        call.destroy();
        fail(error);
      });
    });
    call.end(body);
  });
}

async function readWhole(answer: IncomingMessage, maxBytes: number): Promise<WholeAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new AnswerTooLong(maxBytes);
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, contentType: answer.headers['content-type'], body: Buffer.concat(chunks) };
}
