import { joinSockets, type Request, type Response, requestUpgrade } from '#wire';
import type { KubeletView } from './view.ts';

export interface StreamNames {
  namespace: string;
  pod: string;
  container: string;
}

/** exec, attach and portForward: the runtime serves the streams, we pass the bytes through. */
export async function answerStream(
  request: Request,
  kind: 'exec' | 'attach' | 'portForward',
  names: StreamNames,
  view: KubeletView,
): Promise<Response> {
  if (!request.headers['upgrade'])
    return text(
      400,
      `unable to upgrade: missing upgrade headers in request: ${JSON.stringify(request.headers['connection'] ?? '')}`,
    );
  const pod = view.pod(names.namespace, names.pod);
  if (!pod) return text(404, `pod "${names.pod}" does not exist`);
  const url = await streamUrl();
  if (typeof url !== 'string') return url;
  const outcome = await requestUpgrade({ url, method: request.method, headers: passedOn(request) });
  if (!outcome.upgraded)
    return { status: outcome.status, headers: { 'content-type': 'text/plain' }, body: outcome.body };
  const headers: Record<string, string> = { connection: 'Upgrade', upgrade: outcome.headers.upgrade ?? '' };
  for (const name of ['x-stream-protocol-version', 'sec-websocket-accept', 'sec-websocket-protocol']) {
    const value = outcome.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return { status: 101, headers, upgrade: (socket, head) => joinSockets({ socket, head }, outcome) };

  async function streamUrl(): Promise<string | Response> {
    if (kind === 'portForward') return view.portForwardUrl(pod!);
    const container = await view.container(pod!, names.container, { previous: false });
    if (!container?.isRunning) return text(400, `container not found ("${names.container}")`);
    const query = new URLSearchParams(request.search);
    const is = (name: string) => ['1', 'true'].includes(query.get(name) ?? '');
    const tty = is('tty');
    const streams = {
      containerId: container.id,
      stdin: is('input'),
      stdout: is('output'),
      stderr: is('error') && !tty,
      tty,
    };
    return kind === 'exec' ? view.execUrl({ ...streams, command: query.getAll('command') }) : view.attachUrl(streams);
  }
}

/** What the two ends of the stream say to each other. */
function passedOn(request: Request): Record<string, string> {
  const names = [
    'upgrade',
    'x-stream-protocol-version',
    'sec-websocket-key',
    'sec-websocket-version',
    'sec-websocket-protocol',
  ];
  const pairs = names.map(name => [name, request.headers[name]] as const);
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function text(status: number, message: string): Response {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(`${message}\n`) };
}
