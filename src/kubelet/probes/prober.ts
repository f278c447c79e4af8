import type { Container, Pod, Probe } from '#api';
import type { Clock, Log, Random } from '#base';
import { fieldPathOf, type PodContainer } from '../pods/pod-spec.ts';
import type { RuntimeContainer } from '../runtime/runtime-pod.ts';
import { type ProbeDeps, runProbe } from './run-probe.ts';

type Kind = 'startup' | 'liveness' | 'readiness';

const probeOf: Readonly<Record<Kind, (container: Container) => Probe | undefined>> = {
  startup: container => container.startupProbe,
  liveness: container => container.livenessProbe,
  readiness: container => container.readinessProbe,
};
const title: Readonly<Record<Kind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** Probes of running containers, each in its own rhythm. */
export interface Prober {
  /** What of the pod runs now: probes start for what is new and stop for what is gone. */
  watch(pod: Pod, running: readonly ProbedContainer[], ip: string): void;
  forget(uid: string): void;
  /** The startup probe has passed; true without one. */
  started(container: { id: string }, spec: Container): boolean;
  ready(container: { id: string }, spec: Container): boolean;
  /** The kind of probe that gave the container up. */
  failed(containerId: string): 'startup' | 'liveness' | undefined;
  [Symbol.dispose](): void;
}

export interface ProbedContainer {
  spec: PodContainer;
  container: RuntimeContainer;
}

export interface ProberOptions extends ProbeDeps {
  clock: Clock;
  random: Random;
  log: Log;
  record(
    about: Pod & { fieldPath?: string },
    event: { type: 'Normal' | 'Warning'; reason: string; message: string },
  ): void;
  /** A verdict has changed. */
  onChange(uid: string): void;
}

interface Worker {
  uid: string;
  timer: Disposable | undefined;
  /** How often in a row the last result came. */
  run: { result: string; count: number };
  verdict: 'success' | 'failure' | undefined;
  pod: Pod;
  target: ProbedContainer;
  ip: string;
  stopped: boolean;
}

export function createProber(options: ProberOptions): Prober {
  const workers = new Map<string, Worker>();
  const keyOf = (containerId: string, kind: Kind) => `${containerId} ${kind}`;
  const verdictOf = (containerId: string, kind: Kind) => workers.get(keyOf(containerId, kind))?.verdict;

  const begin = (uid: string, kind: Kind, pod: Pod, target: ProbedContainer, ip: string) => {
    const worker: Worker = {
      ...{ uid, pod, target, ip, timer: undefined, stopped: false },
      run: { result: '', count: 0 },
      // What an agent before us found out stands until we know better.
      verdict: wasPassed(pod, target, kind) ? 'success' : undefined,
    };
    workers.set(keyOf(target.container.id, kind), worker);
    if (kind === 'startup' && worker.verdict) return;
    const probe = probeOf[kind](target.spec.container)!;
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000 - (options.clock.now() - target.container.startedAtMs);
    schedule(worker, kind, probe, Math.max(0, delayMs));
  };
  const schedule = (worker: Worker, kind: Kind, probe: Probe, delayMs: number) => {
    worker.timer = options.clock.timer(delayMs, () => void turn(worker, kind, probe), { unref: true });
  };
  const turn = async (worker: Worker, kind: Kind, probe: Probe) => {
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const { container, spec } = worker.target;
    // Nothing else is asked before the container has started, and a startup probe that has passed is over.
    const waits = kind !== 'startup' && spec.container.startupProbe && verdictOf(container.id, 'startup') !== 'success';
    if (!waits) await attempt(worker, kind, probe);
    const over =
      (kind === 'startup' && worker.verdict !== undefined) || (kind === 'liveness' && worker.verdict === 'failure');
    if (!worker.stopped && !over) schedule(worker, kind, probe, waits ? Math.min(1000, periodMs) : periodMs);
  };
  const attempt = async (worker: Worker, kind: Kind, probe: Probe) => {
    const { container, spec } = worker.target;
    const answer = await runProbe(
      probe,
      { container: spec.container, containerId: container.id, ip: worker.ip },
      options,
    );
    if (worker.stopped) return;
    report(worker, kind, answer);
    if (answer.result === 'unknown') return;
    const { run } = worker;
    worker.run = { result: answer.result, count: run.result === answer.result ? run.count + 1 : 1 };
    const enough = answer.result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (worker.run.count < enough || worker.verdict === answer.result) return;
    worker.verdict = answer.result;
    options.onChange(worker.uid);
  };
  const report = (worker: Worker, kind: Kind, { result, output }: { result: string; output: string }) => {
    if (result === 'success') return;
    const about = { ...worker.pod, fieldPath: fieldPathOf(worker.target.spec) };
    const what = result === 'failure' ? 'failed' : 'errored and resulted in unknown state';
    options.record(about, { type: 'Warning', reason: 'Unhealthy', message: `${title[kind]} probe ${what}: ${output}` });
  };
  const end = (key: string) => {
    const worker = workers.get(key);
    if (!worker) return;
    worker.stopped = true;
    worker.timer?.[Symbol.dispose]();
    workers.delete(key);
  };
  return {
    watch(pod, running, ip) {
      const uid = pod.metadata.uid ?? '';
      const wanted = new Set<string>();
      for (const target of running) {
        for (const kind of Object.keys(probeOf) as Kind[]) {
          if (!probeOf[kind](target.spec.container) || target.spec.role === 'init') continue;
          const key = keyOf(target.container.id, kind);
          wanted.add(key);
          const worker = workers.get(key);
          if (worker) Object.assign(worker, { pod, ip });
          else begin(uid, kind, pod, target, ip);
        }
      }
      for (const [key, worker] of [...workers]) if (worker.uid === uid && !wanted.has(key)) end(key);
    },
    forget(uid) {
      for (const [key, worker] of [...workers]) if (worker.uid === uid) end(key);
    },
    started: (container, spec) => !spec.startupProbe || verdictOf(container.id, 'startup') === 'success',
    ready: (container, spec) => !spec.readinessProbe || verdictOf(container.id, 'readiness') === 'success',
    failed: containerId => (['startup', 'liveness'] as const).find(kind => verdictOf(containerId, kind) === 'failure'),
    [Symbol.dispose]() {
      for (const key of [...workers.keys()]) end(key);
    },
  };
}

function wasPassed(pod: Pod, { container, spec }: ProbedContainer, kind: Kind): boolean {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses].find(one => one.name === spec.container.name);
  if (status?.containerID !== `containerd://${container.id}`) return false;
  return kind === 'startup' ? status.started === true : kind === 'readiness' && status.ready;
}
