import type { FieldError } from '../kind.ts';
import type { Quantity, ResourceRequirements } from '../types.ts';
import { duplicate, forbidden, invalid, nonNegativeMessage, notFound, pushInvalid, required } from './field-error.ts';
import { checkQualifiedName } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { isWhole, parseNano } from './quantity.ts';

const containerResources: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const podResources: ReadonlySet<string> = new Set(['cpu', 'memory']);

/** Names without a slash that mean something somewhere: quotas count objects by such names too. */
export const standardResources: ReadonlySet<string> = new Set([
  ...['cpu', 'memory', 'ephemeral-storage', 'storage', 'requests.cpu', 'requests.memory', 'requests.storage'],
  ...['requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'pods'],
  ...['resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'persistentvolumeclaims', 'configmaps'],
  ...['services.nodeports', 'services.loadbalancers'],
]);

export const integerResources: ReadonlySet<string> = new Set([
  ...['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps'],
  ...['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'],
]);

const wholeMessage = 'must be an integer';

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** `example.com/gpu`: not Kubernetes' own, and short enough to be quoted in a quota. */
export function isExtended(name: string): boolean {
  if (!name.includes('/') || name.includes('kubernetes.io/') || name.startsWith('requests.')) return false;
  return checkQualifiedName(`requests.${name}`).length === 0;
}

/** Native resources but huge pages may be requested below their limit. */
export function mayOvercommit(name: string): boolean {
  return (!name.includes('/') || name.includes('kubernetes.io/')) && !isHugePages(name);
}

/** A resource name anywhere: qualified, and known when it has no domain. */
export function checkResourceName(errors: FieldError[], path: string, name: string): boolean {
  const messages = checkQualifiedName(name);
  if (messages.length > 0) {
    pushInvalid(errors, path, name, messages);
    return false;
  }
  if (name.includes('/') || standardResources.has(name) || isHugePages(name)) return true;
  errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'));
  return false;
}

/** Resources that containers may ask for. */
export function checkContainerResourceName(errors: FieldError[], path: string, name: string): void {
  if (containerResources.has(name)) return;
  checkResourceName(errors, path, name);
  if (!name.includes('/')) {
    if (!isHugePages(name)) errors.push(invalid(path, name, 'must be a standard resource for containers'));
  } else if (!name.includes('kubernetes.io/') && !isExtended(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
}

function checkPodResourceName(errors: FieldError[], path: string, name: string): void {
  if (podResources.has(name) || isHugePages(name)) return;
  errors.push(invalid(path, name, 'must be a standard resource for pods'));
}

/** Amounts are not negative, and whole for things that come in pieces. */
export function checkAmount(
  errors: FieldError[],
  path: string,
  { name, value }: { name: string; value: Quantity },
): bigint | undefined {
  const nanos = parseNano(value);
  if (nanos === undefined) return undefined; // The shape check has complained already.
  if (nanos < 0n) errors.push(invalid(path, value, nonNegativeMessage));
  if ((integerResources.has(name) || isExtended(name)) && !isWhole(nanos)) {
    errors.push(invalid(path, value, wholeMessage));
  }
  return nanos;
}

export interface ResourceOptions {
  /** Names of `spec.resourceClaims`. */
  claims: ReadonlySet<string>;
  /** True for `spec.resources` of a pod. */
  pod?: boolean;
}

/** Requests and limits of a container or pod. */
export function checkResources(
  errors: FieldError[],
  path: string,
  { resources, options }: { resources: ResourceRequirements | undefined; options: ResourceOptions },
): void {
  if (!resources) return;
  const { limits = {}, requests = {} } = resources;
  const checkName = options.pod ? checkPodResourceName : checkContainerResourceName;
  for (const name in limits) {
    checkName(errors, `${path}.limits[${name}]`, name);
    checkAmount(errors, `${path}.limits[${name}]`, { name, value: limits[name]! });
  }
  for (const name in requests) {
    checkName(errors, `${path}.requests[${name}]`, name);
    checkAmount(errors, `${path}.requests[${name}]`, { name, value: requests[name]! });
    checkRequest(errors, path, { name, request: requests[name]!, limit: limits[name] });
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some(name => podResources.has(name))) {
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  checkClaims(errors, `${path}.claims`, { claims: resources.claims, known: options.claims });
}

function checkRequest(
  errors: FieldError[],
  path: string,
  { name, request, limit }: { name: string; request: Quantity; limit: Quantity | undefined },
): void {
  if (limit === request) return;
  const overcommit = mayOvercommit(name);
  if (limit === undefined) {
    if (!overcommit) errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
    return;
  }
  const wanted = parseNano(request);
  const most = parseNano(limit);
  if (wanted === undefined || most === undefined || wanted === most) return;
  if (!overcommit) errors.push(invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`));
  else if (wanted > most) {
    errors.push(invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
}

function checkClaims(
  errors: FieldError[],
  path: string,
  { claims, known }: { claims: ResourceRequirements['claims']; known: ReadonlySet<string> },
): void {
  const seen = new Set<string>();
  eachAt(path, claims, (at, claim) => {
    const key = claim.request ? `${claim.name}/${claim.request}` : claim.name;
    if (!claim.name) errors.push(required(`${at}.name`));
    else if (seen.has(key)) errors.push(duplicate(at, key));
    else if (!known.has(claim.name)) errors.push(notFound(`${at}.name`, claim.name));
    seen.add(key);
  });
}
