import { isWebSocketRequest, type Request, type Response } from '#wire';
import { badRequest, internalError, StatusError } from '../access/refuse.ts';
import type { RequestInfo } from '../request-info.ts';
import { dialWords } from './dial-words.ts';
import { proxyPlain } from './http-proxy.ts';
import { containerOf, findPod, kubeletOfPod } from './kubelet-address.ts';
import { readLogOptions } from './log-options.ts';
import type { ProxyDeps } from './proxy-target.ts';
import { toMessages } from './websocket-reader.ts';

/** Refusals are short; what is longer is cut. */
const maxRefusalBytes = 32 * 1024;

/** pods/log: what a container wrote, from its kubelet; in messages for a client that asks for a WebSocket. Nothing (204) of a pod that runs nowhere yet. */
export async function connectLog(request: Request, info: RequestInfo, deps: ProxyDeps): Promise<Response> {
  const { container: named, isInsecure, passed } = readLogOptions(info.query, info.name);
  const pod = findPod(deps.reader, info.namespace, info.name);
  const container = containerOf(pod, named);
  if (!pod.spec.nodeName) return { status: 204, headers: {} };
  const path = `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${passed}`;
  const url = `${kubeletOfPod(deps.reader, pod)}${path}`;
  const tls = isInsecure ? { ...deps.kubeletTls, insecure: true } : deps.kubeletTls;
  const answer = await proxyPlain(request, { url, tls }).catch((error: unknown) => {
    throw new StatusError({ code: 500, reason: '', message: `Get ${JSON.stringify(url)}: ${dialWords(error)}` });
  });
  if (answer.status >= 300) throw await refusal(answer, info.name);
  if (isWebSocketRequest(request.headers)) return toMessages(request, answer);
  return { ...answer, headers: { 'content-type': 'text/plain' } };
}

/** What the kubelet said, as a Status. Source: apiserver's GenericHttpResponseChecker. */
async function refusal(answer: Response, podName: string): Promise<StatusError> {
  const message = (await textOf(answer)).trim();
  if (answer.status === 400) return badRequest(message);
  if (answer.status === 500) return internalError(message);
  if (answer.status !== 404) return new StatusError({ code: answer.status, reason: '', message });
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `the server could not find the requested resource ( pods/log ${podName})`,
    details: { name: podName, kind: 'pods/log' },
  });
}

async function textOf({ body }: Response): Promise<string> {
  if (typeof body !== 'function') return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  await body({
    write(chunk) {
      size += chunk.length;
      if (size <= maxRefusalBytes) chunks.push(chunk);
      return true;
    },
    drained: () => Promise.resolve(),
    bufferedBytes: 0,
  });
  return Buffer.concat(chunks).toString();
}
