import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '#api';
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
      if (!isAbout(request, resources.pods) || request.operation !== 'CREATE') return;
      const pod = draftOf<Pod>(request);
      if (pod) for (const item of itemsOf(reader, request, 'Container')) setDefaults(pod, item);
    },
    validate(request) {
      const complaints = [...complain(reader, request)];
      if (complaints.length > 0) throw refuse(request, aggregate(complaints));
    },
  };
}

function itemsOf(reader: ObjectReader, request: AdmissionRequest, type: string): LimitRangeItem[] {
  const ranges = reader.list(resources.limitranges, request.namespace);
  return ranges
    .filter(range => !range.metadata.deletionTimestamp)
    .flatMap(range => range.spec?.limits ?? [])
    .filter(item => item.type === type);
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

function* complain(reader: ObjectReader, request: AdmissionRequest): Generator<string> {
  const isCreate = request.operation === 'CREATE';
  if (!request.namespace || (!isCreate && request.operation !== 'UPDATE')) return;
  if (isAbout(request, resources.pods, 'resize') || (isAbout(request, resources.pods) && isCreate)) {
    const pod = draftOf<Pod>(request);
    if (pod) yield* complainPod(reader, request, pod);
  }
  if (isAbout(request, resources.persistentvolumeclaims)) {
    const requests = toAmounts(draftOf<PersistentVolumeClaim>(request)?.spec?.resources?.requests);
    for (const item of itemsOf(reader, request, 'PersistentVolumeClaim')) yield* complainItem(item, requests, requests);
  }
}

function* complainPod(reader: ObjectReader, request: AdmissionRequest, pod: Pod): Generator<string> {
  for (const item of itemsOf(reader, request, 'Container')) {
    for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
      const { requests, limits } = container.resources ?? {};
      yield* complainItem(item, toAmounts(requests), toAmounts(limits));
    }
  }
  for (const item of itemsOf(reader, request, 'Pod')) {
    yield* complainItem(item, podAmounts({ spec: pod.spec }, 'requests'), podAmounts({ spec: pod.spec }, 'limits'));
  }
}

function* complainItem(item: LimitRangeItem, requests: Amounts, limits: Amounts): Generator<string> {
  // Claims have requests only: upstream words both bounds for them by the request.
  const judgeMaximum = item.type === 'PersistentVolumeClaim' ? aboveMaximumRequest : aboveMaximum;
  const judges: readonly [Readonly<Record<string, string | number>> | undefined, Judge][] = [
    [item.min, belowMinimum],
    [item.max, judgeMaximum],
    [item.maxLimitRequestRatio, aboveRatio],
  ];
  for (const [bounds, judge] of judges) {
    for (const [name, bound] of Object.entries(bounds ?? {})) {
      const [request, limit] = [requests.get(name), limits.get(name)];
      const complaint = judge({ type: item.type, name, bound: parseAmount(bound), request, limit });
      if (complaint) yield complaint;
    }
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
