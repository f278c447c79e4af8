import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { CSIDriver } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, flag, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkDriverName } from '../volumes.ts';

const groupPolicies: readonly string[] = ['File', 'None', 'ReadWriteOnceWithFSType'];
const modes: readonly string[] = ['Ephemeral', 'Persistent'];
const shortestTokenSeconds = 600;

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
  checkDriverName(errors, 'metadata.name', object.metadata.name);
  const { fsGroupPolicy, volumeLifecycleModes, tokenRequests } = object.spec;
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy)) {
    errors.push(notSupported('spec.fsGroupPolicy', fsGroupPolicy, groupPolicies));
  }
  for (const mode of volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, modes));
  }
  const audiences = new Set<string>();
  eachAt('spec.tokenRequests', tokenRequests, (at, { audience, expirationSeconds }) => {
    if (audiences.has(audience)) errors.push(duplicate(`${at}.audience`, audience));
    audiences.add(audience);
    if (expirationSeconds !== undefined && expirationSeconds < shortestTokenSeconds) {
      const detail = 'may not specify a duration less than 10 minutes';
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, detail));
    }
  });
  if (object.spec.attachRequired === undefined) errors.push(required('spec.attachedRequired'));
  return errors;
}

export const csiDriver: KindBehaviour<CSIDriver> = {
  defaults,
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
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
