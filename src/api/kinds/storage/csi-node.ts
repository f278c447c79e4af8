import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { CSINode } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';
import { duplicate, invalid, required, tooLong } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkDriverName } from '../volumes.ts';

const maxNodeIdBytes = 256;

function validate(object: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  eachAt('spec.drivers', object.spec?.drivers, (at, { name, nodeID, allocatable }) => {
    checkDriverName(errors, `${at}.name`, name);
    if (!nodeID) errors.push(required(`${at}.nodeID`, nodeID ?? ''));
    else if (nodeID.length > maxNodeIdBytes) errors.push(tooLong(`${at}.nodeID`, maxNodeIdBytes));
    const most = allocatable?.count;
    if (most !== undefined && most < 0) {
      errors.push(invalid(`${at}.allocatable.count`, most, 'must be greater than or equal to 0'));
    }
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  });
  return errors;
}

export const csiNode: KindBehaviour<CSINode> = {
  validateCreate: validate,
  validateUpdate: validate,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    count(
      'Drivers',
      'Drivers indicates the number of CSI drivers registered on the node',
      o => o.spec?.drivers?.length,
    ),
    ageColumn,
  ],
};
