import { join } from 'node:path';
import type { Container, Pod } from '#api';
import type { ContainerConfig, CriMount, LinuxResources, LinuxSecurityContext } from '#wire';
import { annotations, labels } from '../runtime/labels.ts';
import { containerHash } from './container-hash.ts';
import { expand } from './expand.ts';

export interface ContainerInputs {
  restartCount: number;
  /** The image's id, as the runtime answered. */
  imageRef: string;
  env: ReadonlyMap<string, string>;
  mounts: readonly CriMount[];
  resources: LinuxResources;
  security: LinuxSecurityContext;
}

/** The log of a restart below the pod's folder. */
export const containerLogPath = (name: string, restartCount: number): string => join(name, `${restartCount}.log`);

export function containerConfig(pod: Pod, container: Container, inputs: ContainerInputs): ContainerConfig {
  const { name, namespace = '', uid = '', deletionGracePeriodSeconds } = pod.metadata;
  const lookUp = (variable: string) => inputs.env.get(variable);
  const grace = deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
  const { lifecycle, ports } = container;
  return {
    metadata: { name: container.name, attempt: inputs.restartCount },
    image: { image: inputs.imageRef, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map(word => expand(word, lookUp)),
    args: (container.args ?? []).map(word => expand(word, lookUp)),
    workingDir: container.workingDir ?? '',
    envs: Array.from(inputs.env, ([key, value]) => ({ key, value })),
    mounts: [...inputs.mounts],
    devices: [],
    labels: {
      ...{ [labels.containerName]: container.name, [labels.podName]: name },
      ...{ [labels.podNamespace]: namespace, [labels.podUid]: uid },
    },
    annotations: {
      [annotations.hash]: containerHash(container),
      [annotations.restartCount]: String(inputs.restartCount),
      [annotations.terminationMessagePath]: container.terminationMessagePath ?? '',
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      ...(grace !== undefined && { [annotations.gracePeriod]: String(grace) }),
      ...(lifecycle?.preStop && { [annotations.preStop]: JSON.stringify(lifecycle.preStop) }),
      ...(ports && ports.length > 0 && { [annotations.ports]: JSON.stringify(ports) }),
    },
    logPath: containerLogPath(container.name, inputs.restartCount),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: inputs.resources, securityContext: inputs.security },
  };
}
