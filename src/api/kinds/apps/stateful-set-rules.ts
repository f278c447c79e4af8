import type { FieldError } from '../../kind.ts';
import type { StatefulSet, StatefulSetSpec } from '../../types.ts';
import { checkClaimSpec } from '../claim-spec.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, forbidden, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkAtMostAll, checkIntOrPercent, isZero } from '../int-or-percent.ts';
import { checkLabel } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkPodTemplate, checkTemplateMatches, checkWorkloadSelector } from '../pod-template.ts';

const retention: readonly string[] = ['Retain', 'Delete'];
const changeable: readonly (keyof StatefulSetSpec)[] = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const onlySome =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** A new one: what can never change afterwards is judged once. */
export function validateStatefulSet(object: StatefulSet): FieldError[] {
  return validate(object, true);
}

function validate(object: StatefulSet, isNew: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  const policy = spec.podManagementPolicy;
  if (!policy) errors.push(required('spec.podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  checkStrategy(errors, spec);
  const keep = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = keep?.[field] ?? '';
    if (!retention.includes(value)) {
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, retention));
    }
  }
  if (isNew) {
    eachAt('spec.volumeClaimTemplates', spec.volumeClaimTemplates, (at, claim) => {
      checkClaimSpec(errors, `${at}.spec`, claim.spec ?? {});
    });
  }
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  checkNonNegative(errors, 'spec.ordinals.start', spec.ordinals?.start);
  if (isNew && spec.serviceName) {
    pushInvalid(errors, 'spec.serviceName', spec.serviceName, checkLabel(spec.serviceName));
  }
  if (checkWorkloadSelector(errors, spec.selector, { kind: 'statefulset', detail: '' })) {
    checkTemplateMatches(errors, spec.selector, spec.template);
    checkTemplate(errors, spec);
  }
  checkLife(errors, spec);
  return errors;
}

/**
 * The volumes that come from claim templates are known to the containers, though the template does not list them. Name and domain of a pod's
 * host are the controller's.
 */
function checkTemplate(errors: FieldError[], spec: StatefulSetSpec): void {
  const podSpec = spec.template?.spec;
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '');
  const volumes = (podSpec?.volumes ?? []).filter(volume => !claims.includes(volume.name));
  const claimVolumes = claims.map(name => ({ name, persistentVolumeClaim: { claimName: name } }));
  const template = podSpec
    ? {
        ...spec.template,
        spec: { ...podSpec, volumes: [...claimVolumes, ...volumes], hostname: undefined, subdomain: undefined },
      }
    : spec.template;
  checkPodTemplate(errors, 'spec.template', template);
}

function checkLife(errors: FieldError[], { template }: StatefulSetSpec): void {
  const podSpec = template?.spec;
  const policy = podSpec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  if (podSpec?.activeDeadlineSeconds !== undefined) {
    const detail = 'activeDeadlineSeconds in StatefulSet is not Supported';
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', detail));
  }
}

function checkStrategy(errors: FieldError[], spec: StatefulSetSpec): void {
  const path = 'spec.updateStrategy';
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {};
  if (!type) errors.push(required(path));
  else if (type === 'OnDelete') {
    if (rollingUpdate) {
      const detail = "only allowed for updateStrategy 'RollingUpdate'";
      errors.push(invalid(`${path}.rollingUpdate`, rollingUpdate, detail));
    }
  } else if (type !== 'RollingUpdate') {
    const shown = { Type: type, RollingUpdate: rollingUpdate ?? null };
    errors.push(invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'"));
  } else if (rollingUpdate) {
    checkNonNegative(errors, `${path}.rollingUpdate.partition`, rollingUpdate.partition);
    const most = rollingUpdate.maxUnavailable;
    if (most === undefined) return;
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, most);
    if (isZero(most)) errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, most, 'cannot be 0'));
    checkAtMostAll(errors, `${path}.rollingUpdate.maxUnavailable`, most);
  }
}

export function validateStatefulSetUpdate(object: StatefulSet, old: StatefulSet): FieldError[] {
  const errors = validate(object, false);
  const munged: Record<string, unknown> = { ...object.spec };
  for (const field of changeable) munged[field] = old.spec[field];
  if (!semanticallyEqual(munged, old.spec)) errors.push(forbidden('spec', onlySome));
  return errors;
}

const counters = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;

export function validateStatefulSetStatus(object: StatefulSet, old: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  const status = object.status;
  for (const field of [...counters, 'observedGeneration', 'collisionCount'] as const) {
    checkNonNegative(errors, `status.${field}`, status?.[field]);
  }
  for (const field of counters.slice(1)) {
    const value = status?.[field] ?? 0;
    if (value > (status?.replicas ?? 0)) {
      errors.push(invalid(`status.${field}`, value, 'cannot be greater than status.replicas'));
    }
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalid('status.availableReplicas', available, 'cannot be greater than status.readyReplicas'));
  }
  const collisions = status?.collisionCount ?? 0;
  if (collisions < (old.status?.collisionCount ?? 0)) {
    errors.push(invalid('status.collisionCount', collisions, 'cannot be decremented'));
  }
  return errors;
}
