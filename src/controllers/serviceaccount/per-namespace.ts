import type { KubeObject, Namespace, Resource } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import { isAlreadyExists, isNamespaceTerminating } from '#client';
import type { ControllerDeps } from '../controller.ts';
import { startLoop } from '../loop.ts';

export interface PerNamespaceOptions<T extends KubeObject> {
  name: string;
  resource: Resource<T>;
  /** Name of the object that every namespace has. */
  objectName: string;
  build(namespace: string): T;
  /** The object as it is to be written when somebody changed it; undefined: it is right. */
  repair?(object: T): T | undefined;
}

/** Keeps one object in every namespace that is not going away. */
export async function startPerNamespace<T extends KubeObject>(
  deps: ControllerDeps,
  { name, resource, objectName, build, repair }: PerNamespaceOptions<T>,
): Promise<Running> {
  const namespaces = deps.informers.of(resources.namespaces);
  const objects = deps.informers.of(resource, { fieldSelector: `metadata.name=${objectName}` });
  const isActive = (namespace: Namespace | undefined) => namespace && !namespace.metadata.deletionTimestamp;
  const sync = async (namespace: string) => {
    if (!isActive(namespaces.get(undefined, namespace))) return;
    const object = objects.get(namespace, objectName);
    if (object) {
      const repaired = repair?.(object);
      if (repaired) await deps.client.update(resource, repaired);
      return;
    }
    try {
      await deps.client.create(resource, build(namespace));
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  };
  const loop = startLoop(deps, { name, informers: [namespaces, objects], sync });
  loop.on(namespaces, ({ type, object }) => (type === 'deleted' ? [] : [object.metadata.name]));
  loop.on(objects, ({ object }) => [object.metadata.namespace]);
  return loop;
}
