import { isDeepStrictEqual } from 'node:util';
import type { Pod, RuntimeClass, Toleration } from '#api';
import { resources } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { toAmounts } from './amounts.ts';
import { draftOf, isAbout, refuse } from './request.ts';

/** Adds what a pod's runtime class brings: overhead, node selector, tolerations. */
export function createRuntimeClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    mutate(request) {
      const pod = newPod(request);
      const runtimeClass = pod && findRuntimeClass(reader, request, pod);
      if (!runtimeClass) return;
      setOverhead(request, pod, runtimeClass);
      setScheduling(request, pod, runtimeClass);
    },
    validate(request) {
      const pod = newPod(request);
      if (pod) checkOverhead(request, pod, findRuntimeClass(reader, request, pod));
    },
  };
}

function newPod(request: AdmissionRequest): Pod | undefined {
  return request.operation === 'CREATE' && isAbout(request, resources.pods) ? draftOf<Pod>(request) : undefined;
}

function findRuntimeClass(reader: ObjectReader, request: AdmissionRequest, pod: Pod): RuntimeClass | undefined {
  const name = pod.spec.runtimeClassName;
  if (!name) return undefined;
  const found = reader.get(resources.runtimeclasses, undefined, name);
  if (!found) throw refuse(request, `pod rejected: RuntimeClass "${name}" not found`);
  return found;
}

const differs = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

function setOverhead(request: AdmissionRequest, pod: Pod, { overhead }: RuntimeClass): void {
  if (!overhead) return;
  const given = pod.spec.overhead ?? {};
  if (Object.keys(given).length > 0 && !sameAmounts(given, overhead.podFixed)) throw refuse(request, differs);
  if (overhead.podFixed) pod.spec.overhead = { ...overhead.podFixed };
  else delete pod.spec.overhead;
}

/** Somebody may have changed it since it was set. */
function checkOverhead(request: AdmissionRequest, { spec }: Pod, runtimeClass: RuntimeClass | undefined): void {
  if (runtimeClass?.overhead) {
    if (!sameAmounts(spec.overhead, runtimeClass.overhead.podFixed)) throw refuse(request, differs);
  } else if (spec.overhead) {
    throw refuse(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  }
}

type Quantities = Parameters<typeof toAmounts>[0];

function sameAmounts(left: Quantities, right: Quantities): boolean {
  const [a, b] = [toAmounts(left), toAmounts(right)];
  return a.size === b.size && [...a].every(([name, { nano }]) => b.get(name)?.nano === nano);
}

function setScheduling(request: AdmissionRequest, pod: Pod, { scheduling }: RuntimeClass): void {
  if (!scheduling) return;
  const selector = { ...pod.spec.nodeSelector };
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    if (selector[key] !== undefined && selector[key] !== value) {
      throw refuse(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${selector[key]}`,
      );
    }
    selector[key] = value;
  }
  if (Object.keys(selector).length > 0) pod.spec.nodeSelector = selector;
  const tolerations = merge(pod.spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (tolerations.length > 0) pod.spec.tolerations = tolerations;
}

/** Both lists, without what another one of them covers; of equal ones the first stays. Source: pkg/util/tolerations MergeTolerations. */
function merge(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [index, toleration] of all.entries()) {
    const isCovered =
      merged.some(other => covers(other, toleration)) ||
      all.slice(index + 1).some(other => !isDeepStrictEqual(other, toleration) && covers(other, toleration));
    if (!isCovered) merged.push({ ...toleration });
  }
  return merged;
}

/** Whether a tolerates every taint that b does, and for as long. */
function covers(a: Toleration, b: Toleration): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  const isAnyKey = !a.key && a.operator === 'Exists';
  if (!isAnyKey && (a.key ?? '') !== (b.key ?? '')) return false;
  if (a.effect && a.effect !== b.effect) return false;
  if (a.effect === 'NoExecute' && !lastsAsLong(a.tolerationSeconds, b.tolerationSeconds)) return false;
  if (a.operator === 'Exists') return true;
  const isEqual = !a.operator || a.operator === 'Equal';
  // As upstream: of the other one, no operator does not mean Equal here.
  return isEqual && b.operator === 'Equal' && (a.value ?? '') === (b.value ?? '');
}

/** Without a time it is for ever. */
function lastsAsLong(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || (b !== undefined && a >= b);
}
