import type { ConfigMap, Container, EnvVar, EnvVarSource, Pod, Secret, Service } from '#api';
import { ContainerConfigError } from './config-error.ts';
import { type DownwardFacts, fieldText, resourceText } from './downward.ts';
import { expand } from './expand.ts';
import { serviceEnv, visibleServices } from './service-env.ts';

/** ConfigMaps and Secrets of a pod's namespace; undefined when there is none of that name. */
export interface ObjectReader {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

export interface EnvInputs extends DownwardFacts {
  pod: Pod;
  container: Container;
  services: readonly Service[];
  objects: ObjectReader;
}

/** The container's environment in upstream's order of precedence: services, then envFrom, then env. Rejects with ContainerConfigError. */
export async function containerEnv(inputs: EnvInputs): Promise<Map<string, string>> {
  const { pod, container, services } = inputs;
  const namespace = pod.metadata.namespace ?? '';
  const links = serviceEnv(visibleServices(services, namespace, pod.spec.enableServiceLinks ?? true));
  const result = await readEnvFrom(inputs);
  for (const variable of container.env ?? []) {
    const value = await lookUp(inputs, variable, name => result.get(name) ?? links.get(name));
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of links) if (!result.has(name)) result.set(name, value);
  return result;
}

async function readEnvFrom({ pod, container, objects }: EnvInputs): Promise<Map<string, string>> {
  const result = new Map<string, string>();
  const namespace = pod.metadata.namespace ?? '';
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (!ref?.name) continue;
    const kind = configMapRef ? 'configmap' : 'secret';
    const pairs = configMapRef
      ? (await objects.configMap(namespace, ref.name))?.data
      : decodeAll(await objects.secret(namespace, ref.name));
    if (!pairs && ref.optional) continue;
    if (!pairs && !(await exists(objects, kind, namespace, ref.name))) {
      throw new ContainerConfigError(`${kind} "${ref.name}" not found`);
    }
    for (const [key, value] of Object.entries(pairs ?? {})) result.set(prefix + key, value);
  }
  return result;
}

async function exists(objects: ObjectReader, kind: string, namespace: string, name: string): Promise<boolean> {
  const found = kind === 'configmap' ? objects.configMap(namespace, name) : objects.secret(namespace, name);
  return (await found) !== undefined;
}

async function lookUp(
  inputs: EnvInputs,
  variable: EnvVar,
  known: (name: string) => string | undefined,
): Promise<string | undefined> {
  if (!variable.valueFrom) return expand(variable.value ?? '', known);
  return sourced(inputs, variable.valueFrom);
}

async function sourced(inputs: EnvInputs, source: EnvVarSource): Promise<string | undefined> {
  const { pod, container, objects } = inputs;
  const namespace = pod.metadata.namespace ?? '';
  if (source.fieldRef) return fieldText(pod, source.fieldRef, inputs);
  if (source.resourceFieldRef) return resourceText(pod, source.resourceFieldRef, container, inputs);
  const { configMapKeyRef, secretKeyRef } = source;
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef;
    const found = await objects.configMap(namespace, name);
    return keyOf(found?.data, { kind: 'configmap', in: 'ConfigMap', namespace, name, key, optional, found: !!found });
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef;
    const found = await objects.secret(namespace, name);
    return keyOf(decodeAll(found), { kind: 'secret', in: 'Secret', namespace, name, key, optional, found: !!found });
  }
  throw new ContainerConfigError('this source of an environment variable is not implemented');
}

interface KeyQuestion {
  kind: string;
  in: string;
  namespace: string;
  name: string;
  key: string;
  optional: boolean | undefined;
  found: boolean;
}

function keyOf(pairs: Readonly<Record<string, string>> | undefined, asked: KeyQuestion): string | undefined {
  const value = pairs?.[asked.key];
  if (value !== undefined || asked.optional) return value;
  if (!asked.found) throw new ContainerConfigError(`${asked.kind} "${asked.name}" not found`);
  throw new ContainerConfigError(`couldn't find key ${asked.key} in ${asked.in} ${asked.namespace}/${asked.name}`);
}

function decodeAll(secret: Secret | undefined): Record<string, string> | undefined {
  if (!secret) return undefined;
  const entries = Object.entries(secret.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
