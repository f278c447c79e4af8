import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ProbeResult } from './probe-result.ts';

/** Upstream's limits: of the body that is looked at, and of redirects. */
const [maxBodyBytes, maxRedirects] = [10 * 1024, 10];

export interface HttpProbe {
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
}

/** 200 to 399 is success. Certificates are not checked; redirects to other hosts are success with a warning, as upstream. */
export async function probeHttp(probe: HttpProbe): Promise<ProbeResult> {
  const signal = AbortSignal.timeout(probe.timeoutMs);
  let url = probe.url;
  for (let redirects = 0; ; redirects++) {
    let answer: Answer;
    try {
      answer = await get(url, probe.headers, signal);
    } catch (error) {
      const text = signal.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : describeError(error as NodeJS.ErrnoException, url);
      return { result: 'failure', output: `Get "${url}": ${text}` };
    }
    const { status, location, body } = answer;
    const next = status >= 300 && status < 400 && location ? new URL(location, url) : undefined;
    if (next?.hostname === new URL(probe.url).hostname && next) {
      if (redirects >= maxRedirects)
        return { result: 'failure', output: `Get "${url}": stopped after ${maxRedirects} redirects` };
      url = next.href;
      continue;
    }
    if (status >= 200 && status < 400) return { result: 'success', output: body };
    return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
  }
}

interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

function get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const isTls = url.startsWith('https:');
  const all = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close', ...headers };
  const options = { headers: all, signal, agent: false, ...(isTls && { rejectUnauthorized: false }) } as const;
  const call = (isTls ? httpsRequest : httpRequest)(url, options, response => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const done = () => {
      const { statusCode: status = 0, headers: got } = response;
      resolve({ status, location: got.location, body: Buffer.concat(chunks).toString('utf8') });
    };
    response.on('data', (chunk: Buffer) => {
      if (sizeBytes < maxBodyBytes) chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes < maxBodyBytes) return;
      done();
      response.destroy();
    });
    response.on('end', done);
    response.on('error', reject);
  });
  call.on('error', reject);
  call.end();
  return promise;
}

/** As Go words it. */
export function describeError(error: NodeJS.ErrnoException, target: string): string {
  const address = target.startsWith('http') ? hostOf(target) : target;
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'read: connection reset by peer',
  };
  const known = reasons[error.code ?? ''];
  return known ? `dial tcp ${address}: ${known}` : error.message;
}

function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
