import type { KubeObject, Pod } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import { formatTime } from '#base';
import { isConflict, isNotFound, refOf } from '#client';
import type { FakeDeps } from '#client/testing';
import { createFakeDeps, settle } from '#client/testing';
import type { ControllerConfig } from './config.ts';
import type { ControllerSpec } from './controller.ts';
import { startController } from './controller.ts';

export interface TestControllers extends FakeDeps {
  running: readonly Running[];
  /** Lets everything run that needs no time to pass. */
  settle(): Promise<void>;
}

/** Controllers over a fake client that holds `objects`. They act through their declarations, so an undeclared call fails the test. */
export async function startTestControllers(
  specs: readonly ControllerSpec[],
  objects: readonly KubeObject[] = [],
  config: Partial<ControllerConfig> = {},
): Promise<TestControllers> {
  const deps = createFakeDeps(objects);
  const running: Running[] = [];
  const full: ControllerConfig = { rootCa: 'CA', clusterCidrs: [], ...config };
  for (const spec of specs) running.push(await startController(spec, { ...deps, config: full }));
  await settle(60);
  return {
    ...deps,
    running,
    settle: () => settle(60),
    async [Symbol.asyncDispose]() {
      for (const one of running.reverse()) await one[Symbol.asyncDispose]();
      await deps[Symbol.asyncDispose]();
    },
  };
}

/** Plays the node: runs every pod as soon as it is created, ready unless told otherwise, and lets deleted pods go. */
export function runPods(deps: FakeDeps, ready: (pod: Pod) => boolean = () => true): Disposable {
  const { pods } = resources;
  return deps.informers.of(pods).onChange(({ type, object }) => {
    if (type === 'deleted') return;
    const { phase = 'Pending' } = object.status ?? {};
    // The next event brings the pod again when another was faster.
    const forgive = (error: unknown) => {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    };
    if (object.metadata.deletionTimestamp) {
      void deps.client.delete(pods, refOf(object), { gracePeriodSeconds: 0 }).catch(forgive);
    } else if (phase === 'Pending' && ready(object)) {
      void setPodStatus(deps, object, readyStatus(deps.clock.now())).catch(forgive);
    }
  });
}

export function readyStatus(nowMs: number): Pod['status'] {
  const lastTransitionTime = formatTime(nowMs);
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
  return { phase: 'Running', podIP: '10.42.0.9', podIPs: [{ ip: '10.42.0.9' }], conditions };
}

export async function setPodStatus(deps: FakeDeps, pod: Pod, status: Pod['status']): Promise<Pod> {
  return deps.client.update(resources.pods, { ...pod, status }, { subresource: 'status' });
}
