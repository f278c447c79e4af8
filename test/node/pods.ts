import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, ContainerStatus, Pod, PodSpec } from '#api';
import { resources } from '#api';
import type { TestNode } from './node.ts';

/** A container of the test image; what the API server would default is set here. */
export function shell(name: string, script: string, more: Partial<Container> = {}): Container {
  return {
    name,
    image: 'busybox:1',
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', script],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...more,
  };
}

export const isReady = (pod: Pod) => pod.status?.conditions?.some(one => one.type === 'Ready' && one.status === 'True');
export const statusOf = (pod: Pod | undefined, name: string): ContainerStatus | undefined =>
  [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])].find(
    one => one.name === name,
  );
export const idOf = (pod: Pod | undefined, name: string) => statusOf(pod, name)?.containerID?.split('//')[1] ?? '';

/** What is done to the pods of a node. */
export function podsOf(node: () => TestNode) {
  const ref = (name: string) => ({ namespace: 'default', name });
  return {
    ref,
    create: (name: string, containers: Container[], spec: Partial<PodSpec> = {}): Promise<Pod> =>
      node().client.create(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', labels: { app: name }, annotations: { note: 'kept' } },
        spec: {
          nodeName: 'node-1',
          restartPolicy: 'Always',
          dnsPolicy: 'ClusterFirst',
          terminationGracePeriodSeconds: 1,
          enableServiceLinks: true,
          serviceAccountName: 'default',
          containers,
          ...spec,
        },
      }),
    async remove(name: string, graceSeconds = 1): Promise<void> {
      await node().client.delete(resources.pods, ref(name), { gracePeriodSeconds: graceSeconds });
    },
    untilGone: (name: string) => node().eventually(`${name} is gone`, () => !node().pod(name)),
  };
}

/** Groups of any hierarchy with this in their path. */
export function cgroupsWith(text: string): string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => path.includes(text));
}
