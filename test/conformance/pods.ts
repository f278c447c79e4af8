/** Pods that conformance tests run. */
import type { Json } from './api.ts';
import type { World } from './suite.ts';
import { eventually } from './suite.ts';

/** A pod that runs a script once. */
export function shellPod(name: string, script: string, spec: Json = {}): Json {
  const container = { name: 'main', image: 'busybox:1', command: ['sh', '-c', script] };
  return {
    metadata: { name },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [container], ...spec },
  };
}

/** A pod that answers HTTP on 8080 with its name. */
export function webPod(name: string, labels: Record<string, string> = {}): Json {
  const pod = shellPod(name, 'mkdir /tmp/www; hostname > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www');
  return { ...pod, metadata: { name, labels } };
}

/** Waits until the pod has succeeded, and gives what it printed. */
export async function untilDone(world: World, name: string): Promise<string> {
  const path = `${world.inNamespace('pods')}/${name}`;
  await eventually(
    `${name} is done`,
    async () => {
      const { status } = await world.api.get(path);
      if (status.phase === 'Failed') throw new Error(`${name} failed: ${JSON.stringify(status.containerStatuses)}`);
      return status.phase === 'Succeeded';
    },
    60,
  );
  return world.kubectl(['logs', name]);
}

/** Waits until every pod of the selector is ready, and that there are so many. */
export async function untilReady(world: World, selector: string, count: number): Promise<Json[]> {
  const path = `${world.inNamespace('pods')}?labelSelector=${encodeURIComponent(selector)}`;
  return eventually(
    `${count} ready pods of ${selector}`,
    async () => {
      const items: Json[] = (await world.api.get(path)).items.filter((pod: Json) => !pod.metadata.deletionTimestamp);
      const isReady = (pod: Json) =>
        pod.status.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True');
      return items.length === count && items.every(isReady) && items;
    },
    60,
  );
}
