import type { FieldError } from '../kind.ts';
import type { Container, ContainerStatus, Pod } from '../types.ts';
import { addressFamily, checkAddress } from './addresses.ts';
import { describeDifference } from './difference.ts';
import { semanticallyEqual } from './equality.ts';
import { duplicate, forbidden, immutableMessage, invalid, pushInvalid } from './field-error.ts';
import { checkQualifiedName, checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { checkMirrorAnnotation, isMirror, validatePod } from './pod-rules.ts';
import { qosClassOf } from './qos.ts';

const systemConditions: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized']);
const noReturn = 'may not be transitioned to non-terminated state';
const onlyOnePerFamily = 'may specify no more than one IP for each IP family';

/** A write of the status: what ended stays ended. Source: ValidatePodStatusUpdate. */
export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const status = pod.status ?? {};
  checkMirrorAnnotation(errors, pod, old);
  eachAt('status.conditions', status.conditions, (at, { type }) => {
    if (!systemConditions.has(type)) pushInvalid(errors, `${at}.Type`, type, checkQualifiedName(type));
  });
  const nominated = status.nominatedNodeName;
  if (nominated && nominated !== old.status?.nominatedNodeName) {
    pushInvalid(errors, 'status.nominatedNodeName', nominated, checkSubdomain(nominated));
  }
  if (status.qosClass !== old.status?.qosClass) {
    errors.push(invalid('status.qosClass', status.qosClass ?? '', immutableMessage));
  }
  checkTransitions(errors, pod, old);
  checkClaimStatuses(errors, pod);
  checkIps(errors, 'status.podIPs', status.podIPs);
  if (status.hostIPs?.length) {
    if (status.hostIP !== status.hostIPs[0]?.ip) {
      errors.push(invalid('status.hostIPs[0].ip', status.hostIPs[0]?.ip, 'must be equal to `hostIP`'));
    }
    checkIps(errors, 'status.hostIPs', status.hostIPs);
  }
  return errors;
}

function checkIps(errors: FieldError[], path: string, ips: readonly { ip?: string | undefined }[] | undefined): void {
  eachAt(path, ips, (at, { ip = '' }) => checkAddress(errors, at, ip));
  const families = new Set((ips ?? []).map(({ ip = '' }) => addressFamily(ip)));
  if ((ips?.length ?? 0) > 1 && (families.size !== 2 || ips!.length > 2)) {
    errors.push(invalid(path, ips, onlyOnePerFamily));
  }
}

function checkClaimStatuses(errors: FieldError[], { spec, status }: Pod): void {
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  eachAt('status.resourceClaimStatuses', status?.resourceClaimStatuses, (at, { name, resourceClaimName }) => {
    if (!claims.has(name)) {
      errors.push(invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    seen.add(name);
    if (resourceClaimName !== undefined) {
      pushInvalid(errors, `${at}.name`, resourceClaimName, checkSubdomain(resourceClaimName));
    }
  });
}

function checkTransitions(errors: FieldError[], pod: Pod, old: Pod): void {
  const spec = old.spec;
  const byName = new Map([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(c => [c.name, c]));
  const mayRestart = (status: ContainerStatus, init: boolean) => {
    const container = byName.get(status.name);
    const exitCode = status.state?.terminated?.exitCode ?? 0;
    if (init && container?.restartPolicy === 'Always') return true;
    return restarts({ container, policy: spec.restartPolicy, exitCode });
  };
  const lists = [
    ['containerStatuses', (status: ContainerStatus) => mayRestart(status, false)],
    ['initContainerStatuses', (status: ContainerStatus) => mayRestart(status, true)],
    ['ephemeralContainerStatuses', () => false],
  ] as const;
  for (const [list, allowed] of lists) {
    eachAt(`status.${list}`, old.status?.[list], (at, before) => {
      if (!before.state?.terminated || allowed(before)) return;
      const now = pod.status?.[list]?.find(status => status.name === before.name);
      if (now && !now.state?.terminated) errors.push(forbidden(`${at}.state`, noReturn));
    });
  }
}

interface Exit {
  container: Container | undefined;
  policy: string | undefined;
  exitCode: number;
}

/** Whether a container that ended so starts again: its own rules, its own policy, the pod's. */
function restarts({ container, policy, exitCode }: Exit): boolean {
  for (const rule of container?.restartPolicyRules ?? []) {
    const listed = rule.exitCodes?.values?.includes(exitCode) ?? false;
    if (rule.exitCodes && listed === (rule.exitCodes.operator === 'In')) return true;
  }
  const effective = container?.restartPolicy ?? policy;
  return effective === 'Always' || (effective === 'OnFailure' && exitCode !== 0);
}

/** `ephemeralcontainers`: more, never other. `resize`: cpu and memory only. */
export function validatePodSubresource(pod: Pod, old: Pod, subresource: string): FieldError[] {
  if (subresource === 'ephemeralcontainers') return validateEphemeral(pod, old);
  return subresource === 'resize' ? validateResize(pod, old) : [];
}

function validateEphemeral(pod: Pod, old: Pod): FieldError[] {
  if (isMirror(old)) return [forbidden('', 'static pods do not support ephemeral containers')];
  const errors = validatePod(pod);
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.find(container => container.name === before.name);
    const subject = `existing ephemeral containers ${JSON.stringify(before.name)}`;
    if (!now) errors.push(forbidden('spec.ephemeralContainers', `${subject} may not be removed\n`));
    else if (!semanticallyEqual(before, now)) {
      const difference = describeDifference(before, now);
      errors.push(forbidden('spec.ephemeralContainers', `${subject} may not be changed\n${difference}`));
    }
  }
  return errors;
}

function validateResize(pod: Pod, old: Pod): FieldError[] {
  const wholePod = [pod, old].some(({ spec }) => spec.resources?.limits || spec.resources?.requests);
  if (wholePod) return [forbidden('', 'pods with pod-level resources cannot be resized')];
  if (isMirror(old)) return [forbidden('', 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const errors = validatePod(pod);
  if ((old.status?.qosClass ?? qosClassOf(old.spec)) !== qosClassOf(pod.spec)) {
    const detail = 'Pod QOS Class may not change as a result of resizing';
    errors.push(invalid('spec', pod.status?.qosClass ?? '', detail));
  }
  const running = old.status?.containerStatuses?.find(status => status.state?.running);
  if (running && !running.resources) {
    errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  }
  for (const list of ['containers', 'initContainers'] as const) {
    const init = list === 'initContainers';
    const [now, before] = [pod.spec[list] ?? [], old.spec[list] ?? []];
    if (now.length !== before.length) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
    else
      eachAt(`spec.${list}`, before, (at, one, index) =>
        checkResize(errors, at, { now: now[index]!, before: one, init }),
      );
  }
  return errors;
}

function checkResize(
  errors: FieldError[],
  path: string,
  { now, before, init }: { now: Container; before: Container; init: boolean },
): void {
  const sameName = now.name === before.name;
  if (sameName && semanticallyEqual(now.resources, before.resources)) return;
  if (init && before.restartPolicy !== 'Always') {
    errors.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'));
    return;
  }
  const what = init ? 'resources for sidecar containers' : 'resources';
  if (!sameName) {
    errors.push(forbidden('spec', `only cpu and memory ${what} are mutable`));
    return;
  }
  for (const part of ['requests', 'limits'] as const) {
    const removed = Object.keys(before.resources?.[part] ?? {}).some(name => !now.resources?.[part]?.[name]);
    if (removed) {
      errors.push(forbidden(`${path}.resources.${part}`, `resource ${part} cannot be removed`));
    }
    const names = new Set([
      ...Object.keys(before.resources?.[part] ?? {}),
      ...Object.keys(now.resources?.[part] ?? {}),
    ]);
    const others = [...names].filter(name => name !== 'cpu' && name !== 'memory');
    if (others.some(name => before.resources?.[part]?.[name] !== now.resources?.[part]?.[name])) {
      errors.push(forbidden('spec', `only cpu and memory ${what} are mutable`));
    }
  }
}
