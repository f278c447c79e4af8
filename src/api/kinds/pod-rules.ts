import type { FieldError } from '../kind.ts';
import type { Pod } from '../types.ts';
import { checkImagePadding } from './container.ts';
import { forbidden } from './field-error.ts';
import { eachAt } from './paths.ts';
import { checkPodSpec } from './pod-spec.ts';

const mirror = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/** A pod as a whole, new or changed. */
export function validatePod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, metadata } = pod;
  if (metadata.annotations) checkAnnotationValues(errors, pod);
  checkPodSpec(errors, 'spec', spec, { template: false, metadata });
  if (!spec.serviceAccountName) checkNoTokens(errors, pod);
  for (const list of ['containers', 'initContainers'] as const) {
    eachAt(`spec.${list}`, spec[list], (at, container) => checkImagePadding(errors, at, container));
  }
  return errors;
}

/** A pod without a service account has no tokens to mount. */
function checkNoTokens(errors: FieldError[], pod: Pod): void {
  eachAt('spec.volumes', pod.spec.volumes, (at, volume) => {
    eachAt(`${at}.projected.sources`, volume.projected?.sources, (source, projection) => {
      if (!projection.serviceAccountToken) return;
      const detail = 'must not be specified when serviceAccountName is not set';
      errors.push(forbidden(`${source}.serviceAccountToken`, detail));
    });
  });
}

function checkAnnotationValues(errors: FieldError[], pod: Pod): void {
  const annotations = pod.metadata.annotations ?? {};
  const path = 'metadata.annotations';
  if (annotations[mirror] !== undefined && !pod.spec.nodeName) {
    const detail = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push({
      reason: 'FieldValueInvalid',
      field: `${path}[${mirror}]`,
      message: `Invalid value: ${JSON.stringify(annotations[mirror])}: ${detail}`,
    });
  }
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) {
    const message = `Invalid value: ${JSON.stringify(cost)}: must be a 32bit integer`;
    errors.push({ reason: 'FieldValueInvalid', field: `${path}[${deletionCost}]`, message });
  }
}

/** A whole number of 32 bits in its plain form: no plus sign, no leading zeros. */
function isInt32(text: string): boolean {
  const value = Number(text);
  return String(value) === text && Number.isInteger(value) && Math.abs(value) <= 2 ** 31 - 1;
}

/** The mirror annotation comes and goes with its pod only. */
export function checkMirrorAnnotation(errors: FieldError[], pod: Pod, old: Pod): void {
  const now = pod.metadata.annotations?.[mirror];
  const before = old.metadata.annotations?.[mirror];
  if (now === before) return;
  const verb = before === undefined ? 'add' : 'remove or update';
  errors.push(forbidden(`metadata.annotations[${mirror}]`, `may not ${verb} mirror pod annotation`));
}

export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[mirror] !== undefined;
}
