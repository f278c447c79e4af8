import type { KubeObject, PolicyRule, Resource, Verb } from '#api';
import { groupResourceOf } from '#api';
import type { Running } from '#base';
import type { ComponentDeps } from '#client';
import type { ControllerConfig } from './config.ts';
import { filterClient, filterInformers } from './declared-client.ts';

/** Any resource, whatever its objects. */
export type AnyResource = Pick<Resource<KubeObject>, 'group' | 'version' | 'resource' | 'kind' | 'namespaced'>;

export interface ControllerWrite {
  /** `every`: whatever resource the cluster serves (garbage collector, namespaces). */
  resource: AnyResource | 'every';
  verbs: readonly Extract<Verb, 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'>[];
  /** Only these parts of the object; absent: the object itself. */
  subresources?: readonly string[];
}

/** What a controller is handed: everything a component is, and the cluster's own facts. */
export interface ControllerDeps extends ComponentDeps {
  config: ControllerConfig;
}

/**
 * One controller, and all that it touches: its filtered client, its RBAC rights and the drawing in the docs come from `reads` and `writes`.
 */
export interface ControllerSpec {
  /** As upstream's --controllers names it, without `-controller`. */
  name: string;
  /** Service account in kube-system that it acts as; absent: the controller manager's own user, as upstream where it needs more. */
  serviceAccount?: string | undefined;
  reads: readonly AnyResource[] | 'every';
  /** Paths below which it asks the server about itself (`/apis/`, `/openapi/`): everybody may, so they are no rights. */
  asks?: readonly string[] | undefined;
  writes: readonly ControllerWrite[];
  /** Returns at once; `ready()` of what it returns tells when its informers have synced. */
  start(deps: ControllerDeps): Promise<Running>;
}

/** User name that a controller's requests are made under. */
export function userOf(spec: ControllerSpec): string {
  return spec.serviceAccount
    ? `system:serviceaccount:kube-system:${spec.serviceAccount}`
    : 'system:kube-controller-manager';
}

/** Starts one controller with a client that refuses what the controller did not declare. */
export function startController(spec: ControllerSpec, deps: ControllerDeps): Promise<Running> {
  return spec.start({
    ...deps,
    client: filterClient(deps.client, spec),
    informers: filterInformers(deps.informers, spec),
    log: deps.log.child(spec.name),
  });
}

/** The rights that the declaration comes down to; Events beside it. */
export function rbacRuleOf(spec: ControllerSpec): PolicyRule[] {
  const every = { apiGroups: ['*'], resources: ['*'] };
  const reads = spec.reads === 'every' ? [every] : spec.reads.map(one => place(one));
  const writes = spec.writes.map(({ resource, verbs, subresources }) => {
    const at = resource === 'every' ? every : place(resource, subresources);
    return { ...at, verbs: [...verbs].sort() };
  });
  const events = { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] };
  return [...reads.map(rule => ({ ...rule, verbs: ['get', 'list', 'watch'] })), ...writes, events];
}

function place({ group, resource }: AnyResource, subresources?: readonly string[]) {
  return { apiGroups: [group], resources: subresources?.map(part => `${resource}/${part}`) ?? [resource] };
}

/** What controllers read and write, as a graph in Graphviz' language, for the docs. */
export function formatControllerGraph(specs: readonly ControllerSpec[]): string {
  const name = (resource: AnyResource | 'every') =>
    JSON.stringify(resource === 'every' ? '*' : groupResourceOf(resource));
  const edges = specs.flatMap(spec => {
    const reads = (spec.reads === 'every' ? (['every'] as const) : spec.reads).map(
      one => `${name(one)} -> "${spec.name}"`,
    );
    return [...reads, ...spec.writes.map(write => `"${spec.name}" -> ${name(write.resource)}`)];
  });
  const boxes = specs.map(spec => `"${spec.name}" [shape=box]`);
  return `digraph controllers {\n${[...boxes, ...new Set(edges)].map(line => `  ${line};\n`).join('')}}\n`;
}
