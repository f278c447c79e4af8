import type { KubeObject, Namespace } from '#api';
import { resources } from '#api';
import { backoffMs } from '#base';
import { isMethodNotSupported, isNotFound } from '#client';
import type { DiscoveredResource, Discovery } from '../config.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { discoverResources } from '../discovery.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { textOf } from '../pod-control.ts';
import type { ContentReport } from './plan.ts';
import { planNamespaceConditions } from './plan.ts';

const { namespaces, pods } = resources;

/** How soon a namespace is looked at again while something in it remains; pods' ends are seen at once. */
const lookAgain = { firstMs: 100, maxMs: 10_000 };

/** Empties namespaces that are deleted and then lets them go. */
export const namespace: ControllerSpec = {
  name: 'namespace',
  serviceAccount: 'namespace-controller',
  reads: 'every',
  writes: [
    { resource: 'every', verbs: ['delete', 'deletecollection'] },
    { resource: namespaces, verbs: ['update'], subresources: ['status', 'finalize'] },
  ],
  async start(deps) {
    const all = deps.informers.of(namespaces);
    const allPods = deps.informers.of(pods);
    const attempts = new Map<string, number>();
    const loop = startLoop(deps, {
      name: 'namespace',
      concurrency: 10,
      informers: [all, allPods],
      async sync(name) {
        const object = all.get(undefined, name);
        if (!object?.metadata.deletionTimestamp || !object.spec?.finalizers?.includes('kubernetes')) {
          attempts.delete(name);
          return;
        }
        if (await emptyNamespace(deps, object)) return;
        const attempt = attempts.get(name) ?? 0;
        attempts.set(name, attempt + 1);
        return { afterMs: backoffMs(lookAgain, attempt) };
      },
    });
    loop.on(all, ({ object }) => [object.metadata.name]);
    loop.on(allPods, ({ type, object }) => {
      const name = object.metadata.namespace;
      return type === 'deleted' && all.get(undefined, name ?? '')?.metadata.deletionTimestamp ? [name] : [];
    });
    return loop;
  },
};

/** Deletes what is there; resolves true when nothing was left and the namespace has been finalized. */
async function emptyNamespace(deps: ControllerDeps, object: Namespace): Promise<boolean> {
  const { client, clock } = deps;
  const report = await deleteContent(deps, object.metadata.name);
  const conditions = planNamespaceConditions(object.status?.conditions, report, clock.now());
  const status = { ...object.status, phase: 'Terminating', conditions };
  const current = equalContent(status, object.status)
    ? object
    : await client.update(namespaces, { ...object, status }, { subresource: 'status' });
  if (report.remaining.length || report.deletionErrors.length || report.discoveryErrors.length) return false;
  const finalizers = (current.spec?.finalizers ?? []).filter(finalizer => finalizer !== 'kubernetes');
  try {
    await client.update(namespaces, { ...current, spec: { ...current.spec, finalizers } }, { subresource: 'finalize' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return true;
}

/** Pods go first (KEP-5080): what they need, such as network policies, stays until they have ended. */
async function deleteContent(deps: ControllerDeps, name: string): Promise<ContentReport> {
  const report = {
    remaining: [] as ContentReport['remaining'][number][],
    deletionErrors: [] as string[],
    discoveryErrors: [] as string[],
  };
  let found: Discovery;
  try {
    found = await (deps.config.discover?.() ?? discoverResources(deps.client));
  } catch (error) {
    return { ...report, discoveryErrors: [textOf(error)] };
  }
  // What is known goes now; what is not keeps the namespace until its server answers.
  report.discoveryErrors.push(...found.stale.map(one => `${one}: stale GroupVersion discovery: ${one}`));
  const content = found.resources.filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'),
  );
  const isPods = ({ group, resource }: DiscoveredResource) => group === '' && resource === 'pods';
  for (const part of [content.filter(isPods), content.filter(one => !isPods(one))]) {
    if (report.remaining.length || report.deletionErrors.length) break;
    await Promise.all(
      part.map(async resource => {
        try {
          const objects = await deleteAll(deps, resource, name);
          if (objects.length) report.remaining.push({ group: resource.group, resource: resource.resource, objects });
        } catch (error) {
          report.deletionErrors.push(`${resource.resource}.${resource.group}: ${textOf(error)}`);
        }
      }),
    );
  }
  return report;
}

/** Deletes all objects of a resource in a namespace; resolves with those that are still there. */
async function deleteAll(
  { client }: ControllerDeps,
  resource: DiscoveredResource,
  name: string,
): Promise<KubeObject[]> {
  const list = async () => {
    try {
      return (await client.list(resource, { namespace: name })).items;
    } catch (error) {
      // The resource went away with its CRD, or cannot be listed after all.
      if (isNotFound(error) || isMethodNotSupported(error)) return [];
      throw error;
    }
  };
  const objects = await list();
  if (!objects.length) return [];
  const options = { propagationPolicy: 'Background' } as const;
  if (resource.verbs.includes('deletecollection')) {
    await client.deleteCollection(resource, { namespace: name }, options);
  } else {
    for (const object of objects) {
      const ref = { namespace: name, name: object.metadata.name };
      await client.delete(resource, ref, options).catch(error => {
        if (!isNotFound(error)) throw error;
      });
    }
  }
  return list();
}
