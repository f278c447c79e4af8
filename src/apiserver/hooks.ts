import type { KubeObject, Resource } from '#api';
import { apiVersionOf } from '#api';
import type { Clock, Log } from '#base';
import type { Handler, PeerUser } from '#wire';
import type { BootstrapWriter } from './access/bootstrap-writer.ts';
import { StatusError } from './errors.ts';
import type { HealthCheck } from './plain/health.ts';

/** Work of the server itself after it answers: default objects. Shown as `poststarthook/<name>` by /readyz until it is done. */
export interface StartHook {
  readonly name: string;
  run(writer: ServerWriter): Promise<unknown>;
}

/** Objects written by the server itself, through all of its chain. Rejects with StatusError for what is refused. */
export interface ServerWriter extends BootstrapWriter {
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
}

/** The API server's own identity. */
const self: PeerUser = { name: 'system:apiserver', groups: ['system:masters'] };
/** A hook that fails is tried again after this. */
const retryMs = 1000;

export function createWriter(handler: Handler): ServerWriter {
  const send = async <T>(method: string, path: string, object?: KubeObject): Promise<T> => {
    const body = object ? Buffer.from(JSON.stringify(object)) : new Uint8Array();
    const response = await handler({
      method,
      path,
      search: '',
      headers: { 'user-agent': 'kube-apiserver', ...(object && { 'content-type': 'application/json' }) },
      body: async () => body,
      async *stream() {
        yield body;
      },
      signal: new AbortController().signal,
      peer: { address: 'in-process', user: self },
    });
    const answer = JSON.parse(Buffer.concat([response.body as Uint8Array]).toString());
    if (response.status >= 300) throw new StatusError(answer);
    return answer as T;
  };
  return {
    get: (resource, ref) => send('GET', pathOf(resource, ref)),
    create: (resource, object) => send('POST', pathOf(resource, { namespace: object.metadata.namespace }), object),
    update: (resource, object) => send('PUT', pathOf(resource, object.metadata), object),
    updateStatus: (resource, object) => send('PUT', `${pathOf(resource, object.metadata)}/status`, object),
  };
}

function pathOf<T extends KubeObject>(
  resource: Resource<T>,
  ref: { namespace?: string | undefined; name?: string | undefined },
): string {
  const root = `${resource.group ? '/apis' : '/api'}/${apiVersionOf(resource)}`;
  const place = resource.namespaced ? `/namespaces/${ref.namespace}` : '';
  return `${root}${place}/${resource.resource}${ref.name ? `/${encodeURIComponent(ref.name)}` : ''}`;
}

/** Runs the hooks in their order, and those that failed again until they succeed. Disposing stops trying. */
export function runHooks(
  hooks: readonly StartHook[],
  deps: { writer: ServerWriter; clock: Clock; log: Log },
): AsyncDisposable & { checks: readonly HealthCheck[] } {
  const { writer, clock, log } = deps;
  const stop = new AbortController();
  const waiting = new Set(hooks);
  const work = async () => {
    while (waiting.size > 0 && !stop.signal.aborted) {
      for (const hook of waiting) {
        try {
          await hook.run(writer);
          waiting.delete(hook);
        } catch (error) {
          if (stop.signal.aborted) return;
          log.warn('a start hook failed and is tried again', { hook: hook.name, error });
        }
      }
      // The only reason for a rejection is that the server stops.
      if (waiting.size > 0) await clock.sleep(retryMs, stop.signal).catch(() => undefined);
    }
  };
  const done = work();
  return {
    checks: hooks.map(hook => ({
      name: `poststarthook/${hook.name}`,
      isLive: true,
      check: () => (waiting.has(hook) ? 'not finished' : undefined),
    })),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
