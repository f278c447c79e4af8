import type { Pod } from '#api';
import type { Request, Response } from '#wire';
import { badRequest, StatusError } from '../access/refuse.ts';
import type { RequestInfo } from '../request-info.ts';
import { type ProxyTarget, proxyRequest } from './http-proxy.ts';
import { containerOf } from './kubelet-address.ts';

/** Options that the kubelet takes under the same name. */
const passed = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'];

/** pods/log: what a container wrote, from its kubelet. */
export async function connectLog(asked: {
  request: Request;
  info: RequestInfo;
  pod: Pod;
  kubelet: ProxyTarget;
}): Promise<Response> {
  const { request, info, pod, kubelet } = asked;
  checkOptions(info.query);
  const container = containerOf(pod, info.query.get('container'));
  const query = new URLSearchParams();
  for (const name of passed) {
    const value = info.query.get(name);
    if (value !== null) query.set(name, value);
  }
  const path = `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${query}`;
  const answer = await proxyRequest(request, { ...kubelet, url: `${kubelet.url}${path}` });
  if (answer.status < 300) return { ...answer, headers: { 'content-type': 'text/plain' } };
  throw await refusal(answer);
}

/** Upstream's ValidatePodLogOptions. */
function checkOptions(query: URLSearchParams): void {
  const whole = (name: string, lowest: number) => {
    const text = query.get(name);
    if (text !== null && !(/^-?\d+$/.test(text) && Number(text) >= lowest)) {
      throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be greater than or equal to ${lowest}`);
    }
  };
  whole('tailLines', 0);
  whole('limitBytes', 1);
  whole('sinceSeconds', 1);
  if (query.has('sinceSeconds') && query.has('sinceTime')) {
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  const stream = query.get('stream');
  if (stream && stream !== 'All' && query.has('tailLines'))
    throw badRequest('`tailLines` and specific `stream` are mutually exclusive for now');
}

/** What the kubelet said, as a Status. */
async function refusal(answer: Response): Promise<StatusError> {
  const chunks: Uint8Array[] = [];
  if (typeof answer.body === 'function') {
    const sink = {
      write: (chunk: Uint8Array) => chunks.push(chunk) > 0,
      drained: () => Promise.resolve(),
      bufferedBytes: 0,
    };
    await answer.body(sink);
  }
  const message = Buffer.concat(chunks).toString().trim();
  if (answer.status === 400) return badRequest(message);
  const reason = answer.status === 404 ? 'NotFound' : 'InternalError';
  return new StatusError({ code: answer.status, reason, message });
}
