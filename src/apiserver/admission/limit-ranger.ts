import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '#api';
import { resources } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { type Amount, type Amounts, formatAmount, parseAmount, toAmounts } from './amounts.ts';
import { podAmounts } from './pod-amounts.ts';
import { aggregate, draftOf, isAbout, refuse } from './request.ts';

const annotation = 'kubernetes.io/limit-ranger';
const nanoPerUnit = 1_000_000_000;

/** Fills in requests and limits that a namespace's LimitRanges give, and holds pods and claims to their bounds. */
export function createLimitRanger(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    mutate(request) {
      const pod = boundedPod(request);
      if (!pod) return;
      for (const range of rangesOf(reader, request)) {
        for (const item of range.spec?.limits ?? []) if (item.type === 'Container') setDefaults(pod, item);
      }
    },
    validate(request) {
      const pod = boundedPod(request);
      const claim = boundedClaim(request);
      if (!pod && !claim) return;
      for (const range of rangesOf(reader, request)) {
        // As upstream: what the next ranges say is only heard when this one is content.
        const complaints = [...complain(range.spec?.limits ?? [], pod, claim)];
        if (complaints.length > 0) throw refuse(request, aggregate(complaints));
      }
    },
  };
}

/** The pod, when the request is one that pods are held to bounds at: a new one, or one that changes its size. */
function boundedPod(request: AdmissionRequest): Pod | undefined {
  const isNew = isAbout(request, resources.pods) && request.operation === 'CREATE';
  const isResized = isAbout(request, resources.pods, 'resize') && request.operation === 'UPDATE';
  return (isNew || isResized) && !isEnding(request) ? draftOf<Pod>(request) : undefined;
}

function boundedClaim(request: AdmissionRequest): PersistentVolumeClaim | undefined {
  if (!isAbout(request, resources.persistentvolumeclaims) || isEnding(request)) return undefined;
  return request.operation === 'CREATE' || request.operation === 'UPDATE' ? draftOf(request) : undefined;
}

function isEnding({ old }: AdmissionRequest): boolean {
  return old?.metadata.deletionTimestamp !== undefined;
}

function rangesOf(reader: ObjectReader, request: AdmissionRequest): readonly LimitRange[] {
  return request.namespace ? reader.list(resources.limitranges, request.namespace) : [];
}

/** One bound of a LimitRange beside what an object asks for of that resource. */
interface Bounded {
  /** Container, Pod or PersistentVolumeClaim. */
  readonly type: string;
  readonly name: string;
  readonly bound: Amount;
  readonly request: Amount | undefined;
  readonly limit: Amount | undefined;
}
type Judge = (bounded: Bounded) => string | undefined;

function* complain(
  items: readonly LimitRangeItem[],
  pod: Pod | undefined,
  claim: PersistentVolumeClaim | undefined,
): Generator<string> {
  for (const item of items) {
    if (pod) yield* complainPod(item, pod);
    if (claim && item.type === 'PersistentVolumeClaim') yield* complainClaim(item, claim);
  }
}

function* complainPod(item: LimitRangeItem, pod: Pod): Generator<string> {
  const { spec } = pod;
  if (item.type === 'Container') {
    for (const { resources: wanted } of [...spec.containers, ...(spec.initContainers ?? [])]) {
      yield* complainItem(item, toAmounts(wanted?.requests), toAmounts(wanted?.limits));
    }
  }
  if (item.type === 'Pod') {
    // Overhead is not what its user asked for.
    const asked = { spec: { ...spec, overhead: undefined } };
    yield* complainItem(item, podAmounts(asked, 'requests'), podAmounts(asked, 'limits'));
  }
}

function* complainItem(item: LimitRangeItem, requests: Amounts, limits: Amounts): Generator<string> {
  const { type, min, max, maxLimitRequestRatio } = item;
  yield* judge(type, { bounds: min, of: belowMinimum, requests, limits });
  yield* judge(type, { bounds: max, of: aboveMaximum, requests, limits });
  yield* judge(type, { bounds: maxLimitRequestRatio, of: aboveRatio, requests, limits });
}

/** Claims have requests only: upstream words both bounds for them by the request. */
function* complainClaim({ type, min, max }: LimitRangeItem, claim: PersistentVolumeClaim): Generator<string> {
  const requests = toAmounts(claim.spec?.resources?.requests);
  const limits: Amounts = new Map();
  yield* judge(type, { bounds: min, of: belowMinimum, requests, limits });
  yield* judge(type, { bounds: max, of: aboveMaximumRequest, requests, limits });
}

interface Judged {
  readonly bounds: Readonly<Record<string, string | number>> | undefined;
  readonly of: Judge;
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function* judge(type: string, { bounds, of, requests, limits }: Judged): Generator<string> {
  for (const [name, bound] of Object.entries(bounds ?? {})) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    const complaint = of({ type, name, bound: parseAmount(bound), request, limit });
    if (complaint) yield complaint;
  }
}

function belowMinimum({ type, name, bound, request, limit }: Bounded): string | undefined {
  const head = `minimum ${name} usage per ${type} is ${formatAmount(bound)}`;
  if (!request) return `${head}.  No request is specified`;
  if (request.nano < bound.nano) return `${head}, but request is ${formatAmount(request)}`;
  if (limit && limit.nano < bound.nano) return `${head}, but limit is ${formatAmount(limit)}`;
  return undefined;
}

function aboveMaximum({ type, name, bound, request, limit }: Bounded): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${formatAmount(bound)}`;
  if (!limit) return `${head}.  No limit is specified`;
  if (limit.nano > bound.nano) return `${head}, but limit is ${formatAmount(limit)}`;
  if (request && request.nano > bound.nano) return `${head}, but request is ${formatAmount(request)}`;
  return undefined;
}

function aboveMaximumRequest({ type, name, bound, request }: Bounded): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${formatAmount(bound)}`;
  if (!request) return `${head}.  No request is specified`;
  return request.nano > bound.nano ? `${head}, but request is ${formatAmount(request)}` : undefined;
}

function aboveRatio({ type, name, bound, request, limit }: Bounded): string | undefined {
  const head = `${name} max limit to request ratio per ${type} is ${formatAmount(bound)}`;
  if (!request?.nano) return `${head}, but no request is specified or request is 0`;
  if (!limit?.nano) return `${head}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nano) / Number(request.nano);
  if (ratio <= Number(bound.nano) / nanoPerUnit) return undefined;
  return `${head}, but provided ratio is ${ratio.toFixed(6)}`;
}

/** What a container does not say, the LimitRange says for it; an annotation tells what was filled in. */
function setDefaults(pod: Pod, item: LimitRangeItem): void {
  const notes: string[] = [];
  const groups: readonly [string, readonly Container[] | undefined][] = [
    ['container', pod.spec.containers],
    ['init container', pod.spec.initContainers],
  ];
  for (const [word, containers] of groups) {
    for (const container of containers ?? []) {
      const requests = fill(container, 'requests', item.defaultRequest);
      const limits = fill(container, 'limits', item.default);
      if (requests.length > 0) notes.push(`${requests.join(', ')} request for ${word} ${container.name}`);
      if (limits.length > 0) notes.push(`${limits.join(', ')} limit for ${word} ${container.name}`);
    }
  }
  if (notes.length === 0) return;
  const text = `LimitRanger plugin set: ${notes.join('; ')}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: text };
}

/** The names that were filled in, sorted. */
function fill(
  container: Container,
  part: 'requests' | 'limits',
  defaults: Readonly<Record<string, string>> | undefined,
): string[] {
  const missing = Object.keys(defaults ?? {}).filter(name => container.resources?.[part]?.[name] === undefined);
  if (missing.length === 0) return [];
  const added = Object.fromEntries(missing.map(name => [name, defaults?.[name] ?? '0']));
  container.resources = { ...container.resources, [part]: { ...container.resources?.[part], ...added } };
  return missing.sort();
}
