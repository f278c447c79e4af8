import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { VolumeAttachment } from '../../types.ts';
import { keepAllButStatus, keepMetadata, keepStatus } from '../behaviour.ts';
import { ageColumn, flag, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName, checkSubdomain } from '../name-rules.ts';

function validate(object: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const { attacher, source, nodeName } = object.spec;
  if (!attacher) errors.push(required('spec.attacher', attacher ?? ''));
  else pushInvalid(errors, 'spec.attacher', attacher, checkQualifiedName(attacher.toLowerCase()));
  const volume = source?.persistentVolumeName;
  const inline = source?.inlineVolumeSpec;
  if (inline === undefined && volume === undefined) {
    errors.push(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (inline !== undefined && volume !== undefined) {
    errors.push(invalid('spec.source', '', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (volume === '')
    errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  pushInvalid(errors, 'spec.nodeName', nodeName ?? '', checkSubdomain(nodeName ?? ''));
  return errors;
}

export const volumeAttachment: KindBehaviour<VolumeAttachment> = {
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old) {
    keepAllButStatus(draft, old);
    keepMetadata(draft, old);
  },
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (!semanticallyEqual(object.spec, old.spec)) errors.push(invalid('spec', object.spec, immutableMessage));
    return errors;
  },
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { ...text<VolumeAttachment>('Attacher', 'Driver that attaches.', o => o.spec.attacher), format: 'name' },
    text('PV', 'Volume that is attached.', o => o.spec.source?.persistentVolumeName ?? ''),
    text('Node', 'Node that it is attached to.', o => o.spec.nodeName),
    flag('Attached', 'Whether it is done.', o => o.status?.attached),
    ageColumn,
  ],
};
