import type { HealthCheck } from './health.ts';

/** What the server's own checks look at. */
export interface ServerState {
  /** What is wrong with reading, if something is. */
  readiness(): string | undefined;
  isStopping(): boolean;
  /** Names of what is to be done after the start, as upstream's post-start hooks, and which of it is done. */
  readonly hooks: readonly string[];
  isDone(hook: string): boolean;
}

/** The checks of /healthz, /livez and /readyz, in upstream's order and under its names; `more` come from what the server is put together with. */
export function createChecks(state: ServerState, more: readonly HealthCheck[]): readonly HealthCheck[] {
  const store = () => state.readiness();
  const hook = (name: string): HealthCheck => ({
    name: `poststarthook/${name}`,
    isLive: true,
    check: () => (state.isDone(name) ? undefined : 'not finished'),
  });
  return [
    { name: 'ping', isLive: true, check: () => undefined },
    { name: 'log', isLive: true, check: () => undefined },
    { name: 'etcd', isLive: true, check: store },
    { name: 'etcd-readiness', isLive: false, check: store },
    { name: 'informer-sync', isLive: false, check: store },
    ...state.hooks.map(hook),
    ...more,
    { name: 'shutdown', isLive: false, check: () => (state.isStopping() ? 'process is shutting down' : undefined) },
  ];
}
