import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { VolumeAttachment } from '../../types.ts';
import { keepAllButStatus, keepMetadata, keepStatus } from '../behaviour.ts';
import { ageColumn, flag, nameColumn, text } from '../columns.ts';
import { checkInlineVolume } from '../core/volume-rules.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, pushInvalid, rangeMessage, required, tooLong } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { checkDriverName } from '../volumes.ts';
import { sizeOf } from './parameters.ts';

function validate(object: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const { attacher, source, nodeName } = object.spec;
  checkDriverName(errors, 'spec.attacher', attacher);
  const volume = source?.persistentVolumeName;
  const inline = source?.inlineVolumeSpec;
  if (inline === undefined && volume === undefined) {
    errors.push(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (inline !== undefined && volume !== undefined) {
    errors.push(forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (volume === '') {
    errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  } else if (inline) checkInlineVolume(errors, 'spec.source.inlineVolumeSpec', inline);
  pushInvalid(errors, 'spec.nodeName', nodeName ?? '', checkSubdomain(nodeName ?? ''));
  checkStatus(errors, object);
  if (volume !== undefined) pushInvalid(errors, 'spec.source.persistentVolumeName', volume, checkSubdomain(volume));
  return errors;
}

function checkStatus(errors: FieldError[], { status }: VolumeAttachment): void {
  const path = 'status.attachmentMetadata';
  if (sizeOf(Object.entries(status?.attachmentMetadata ?? {})) > maxMetadataBytes) {
    errors.push(tooLong(path, maxMetadataBytes));
  }
  for (const field of ['attachError', 'detachError'] as const) {
    const { message = '', errorCode } = status?.[field] ?? {};
    // Upstream names the other limit.
    if (Buffer.byteLength(message) > maxMessageBytes) {
      errors.push(tooLong(`status.${field}.message`, maxMetadataBytes));
    }
    if (errorCode !== undefined && errorCode < 0) {
      errors.push(invalid(`status.${field}.errorCode`, errorCode, rangeMessage(0, maxInt32)));
    }
  }
}

const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;
const maxInt32 = 2 ** 31 - 1;

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
  validateSubresource: validate,
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
