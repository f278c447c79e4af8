import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { audit } from '#apiserver';
import type { Clock, Log, Meter } from '#base';
import { createHttpsTransport, loadKubeconfig } from '#client';
import type { Config } from './config-table.ts';
import { StartError } from './start-error.ts';

/** What the server is to write about requests, and where. */
export interface AuditSettings extends AsyncDisposable {
  readonly policy: audit.AuditPolicy;
  readonly sinks: readonly audit.AuditSink[];
}

const maxBatch = 400;
const throttle = { throttleQps: 10, throttleBurst: 15, maxWaitMs: 30_000, initialBackoffMs: 10_000 };

/** Undefined without a policy file or without a place to write to, as upstream. Throws DocumentError or StartError naming file and field. */
export function openAudit(config: Config, deps: { clock: Clock; log: Log; meter: Meter }): AuditSettings | undefined {
  const { 'audit-policy-file': policyFile, 'audit-log-path': logPath } = config;
  const webhookFile = config['audit-webhook-config-file'];
  if (!policyFile && !logPath && !webhookFile) return undefined;
  if (!policyFile) throw new StartError('audit-policy-file: is missing; without a policy nothing is written');
  const policy = audit.readAuditPolicy(policyFile);
  if (!logPath && !webhookFile) {
    throw new StartError('audit-policy-file: say where to write to, with audit-log-path or audit-webhook-config-file');
  }
  const stack = new AsyncDisposableStack();
  const sinks: audit.AuditSink[] = [];
  if (logPath) {
    const limits = {
      maxSizeMebibytes: config['audit-log-maxsize'],
      maxAgeDays: config['audit-log-maxage'],
      maxBackups: config['audit-log-maxbackup'],
    };
    sinks.push(stack.use(audit.createLogSink({ path: logPath, ...limits, ...deps })));
  }
  if (webhookFile) {
    const post = stack.use(openWebhook(webhookFile)).post;
    const bufferSize = config['audit-webhook-batch-buffer-size'];
    sinks.push(stack.use(audit.createWebhookSink({ post, bufferSize, maxBatchSize: maxBatch, ...throttle, ...deps })));
  }
  return { policy, sinks, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Sends to the server that a kubeconfig names; its path is the webhook's. */
function openWebhook(file: string): AsyncDisposable & { post(body: Buffer): Promise<number> } {
  const access = readAccess(file);
  const url = new URL(access.server);
  const path = `${url.pathname}${url.search}`;
  const headers = { 'content-type': 'application/json' };
  if (url.protocol === 'http:') {
    const post = async (body: Buffer) => {
      const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
      await response.body?.cancel();
      return response.status;
    };
    return { post, [Symbol.asyncDispose]: async () => {} };
  }
  const transport = createHttpsTransport({ ...access, server: url.origin });
  return {
    async post(body) {
      const response = await transport.send({ method: 'POST', path, headers, body });
      for await (const _chunk of response.body); // what it says does not matter
      return response.status;
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function readAccess(file: string) {
  try {
    const access = loadKubeconfig(readFileSync(file, 'utf8'), { directory: dirname(file) });
    return { ...access, server: new URL(access.server).href };
  } catch (cause) {
    throw new StartError(`audit-webhook-config-file: ${file}: ${(cause as Error).message}`, { cause });
  }
}
