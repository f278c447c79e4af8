import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { CSIDriver } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, flag, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, notSupported } from '../field-error.ts';
import { eachAt } from '../paths.ts';

const groupPolicies: readonly string[] = ['File', 'None', 'ReadWriteOnceWithFSType'];
const modes: readonly string[] = ['Persistent', 'Ephemeral'];
const shortestTokenSeconds = 600;
const longestTokenSeconds = 2 ** 32;
const shortestPeriodSeconds = 10;

function defaults(draft: CSIDriver): void {
  const spec = draft.spec;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}

function validate(object: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  const { fsGroupPolicy, volumeLifecycleModes, tokenRequests } = object.spec;
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy)) {
    errors.push(notSupported('spec.fsGroupPolicy', fsGroupPolicy, groupPolicies));
  }
  const audiences = new Set<string>();
  eachAt('spec.tokenRequests', tokenRequests, (at, { audience, expirationSeconds }) => {
    if (audiences.has(audience)) return void errors.push(duplicate(`${at}.audience`, audience));
    audiences.add(audience);
    if (expirationSeconds !== undefined && expirationSeconds < shortestTokenSeconds) {
      const detail = 'may not specify a duration less than 10 minutes';
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, detail));
    }
    if (expirationSeconds !== undefined && expirationSeconds > longestTokenSeconds) {
      const detail = 'may not specify a duration larger than 2^32 seconds';
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, detail));
    }
  });
  for (const mode of volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, modes));
  }
  checkRest(errors, object.spec);
  return errors;
}

function checkRest(errors: FieldError[], spec: CSIDriver['spec']): void {
  const { nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: secret, tokenRequests } = spec;
  if (period !== undefined && period < shortestPeriodSeconds) {
    const detail = `must be greater than or equal to ${shortestPeriodSeconds} seconds`;
    errors.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, detail));
  }
  if (secret !== undefined && !tokenRequests?.length) {
    const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalid('spec.serviceAccountTokenInSecrets', secret, detail));
  }
}

const secretsAdvice =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

function warnAboutTokens({ spec }: CSIDriver, old: CSIDriver | undefined): string[] {
  if (!spec.tokenRequests?.length || spec.serviceAccountTokenInSecrets !== undefined) return [];
  return old && semanticallyEqual(old.spec.tokenRequests, spec.tokenRequests) ? [] : [secretsAdvice];
}

export const csiDriver: KindBehaviour<CSIDriver> = {
  defaults,
  prepareCreate(draft) {
    // Unlike with other kinds, only changes are counted.
    delete draft.metadata.generation;
    delete draft.spec.preventPodSchedulingIfMissing;
  },
  prepareUpdate(draft, old) {
    if (old.spec.preventPodSchedulingIfMissing === undefined) delete draft.spec.preventPodSchedulingIfMissing;
    countGeneration(draft, old);
  },
  warnings: warnAboutTokens,
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    for (const [field, name] of [
      ['attachRequired', 'attachedRequired'],
      ['volumeLifecycleModes', 'volumeLifecycleModes'],
    ] as const) {
      if (!semanticallyEqual(object.spec[field], old.spec[field])) {
        errors.push(invalid(`spec.${name}`, object.spec[field], immutableMessage));
      }
    }
    return errors;
  },
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    flag('AttachRequired', 'Whether volumes are attached to nodes first.', o => o.spec.attachRequired ?? true),
    flag('PodInfoOnMount', 'Whether the driver is told of the pod.', o => o.spec.podInfoOnMount),
    flag('StorageCapacity', 'Whether it publishes how much is left.', o => o.spec.storageCapacity),
    text('TokenRequests', 'Audiences of the tokens that it needs.', o => {
      return o.spec.tokenRequests?.map(request => request.audience).join(',') ?? '<unset>';
    }),
    flag('RequiresRepublish', 'Whether it wants to be called again and again.', o => o.spec.requiresRepublish),
    text('Modes', 'Sorts of volumes.', o => o.spec.volumeLifecycleModes?.join(',') || '<none>'),
    ageColumn,
  ],
};
