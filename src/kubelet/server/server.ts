import type { Clock, Log, Meter } from '#base';
import type { Client } from '#client';
import { type Handler, type HttpServer, type Request, type Response, startHttpServer, type TlsFiles } from '#wire';
import { createAccess } from './access.ts';
import { answerContainerLogs } from './container-logs.ts';
import { answerStream } from './streams.ts';
import type { KubeletView } from './view.ts';

export interface KubeletServerConfig {
  host: string;
  /** 0: any free one. */
  port: number;
  tls: TlsFiles;
  nodeName: string;
}

export interface KubeletServerDeps {
  view: KubeletView;
  /** Asks the API server about tokens and rights. */
  client: Client;
  clock: Clock;
  log: Log;
  meter: Meter;
}

/** The node agent's own HTTPS port. Everything needs a certificate or token of the cluster and the right to it. */
export async function startKubeletServer(config: KubeletServerConfig, deps: KubeletServerDeps): Promise<HttpServer> {
  const access = createAccess({ client: deps.client, clock: deps.clock, nodeName: config.nodeName });
  const handler: Handler = async request => {
    try {
      const decision = await access(request);
      return decision.allowed ? await route(request, deps) : text(decision.status, decision.message);
    } catch (error) {
      deps.log.warn('request failed', { path: request.path, error });
      return text(500, error instanceof Error ? error.message : 'internal error');
    }
  };
  return startHttpServer({
    host: config.host,
    port: config.port,
    tls: config.tls,
    handler,
    log: deps.log,
    clock: deps.clock,
  });
}

async function route(request: Request, deps: KubeletServerDeps): Promise<Response> {
  const [, first = '', namespace = '', pod = '', container = ''] = request.path.split('/').map(decodeURIComponent);
  switch (first) {
    case 'containerLogs':
      return answerContainerLogs(request, { namespace, pod, container }, { view: deps.view, nowMs: deps.clock.now() });
    case 'exec':
    case 'attach':
    case 'portForward':
      return answerStream(request, first, { namespace, pod, container }, deps.view);
    case 'pods':
      return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: deps.view.pods() });
    case 'stats':
      return json(await deps.view.statsSummary());
    case 'metrics':
      return text(200, await deps.meter.text(), 'text/plain; version=0.0.4; charset=utf-8');
    case 'healthz':
      return text(200, 'ok');
    default:
      return text(404, `404 page not found: ${request.path}`);
  }
}

function json(value: unknown): Response {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

function text(status: number, message: string, type = 'text/plain'): Response {
  return {
    status,
    headers: { 'content-type': type },
    body: Buffer.from(message.endsWith('\n') ? message : `${message}${status === 200 ? '' : '\n'}`),
  };
}
