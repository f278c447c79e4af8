import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { CSINode, CSINodeDriver } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkDriverName } from '../volumes.ts';

const maxNodeIdBytes = 256;

function validate(object: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  eachAt('spec.drivers', object.spec?.drivers, (at, { name, nodeID, allocatable, topologyKeys }) => {
    checkDriverName(errors, `${at}.name`, name);
    if (!nodeID) errors.push(required(`${at}.nodeID`));
    else if (Buffer.byteLength(nodeID) > maxNodeIdBytes) {
      errors.push(invalid(`${at}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`));
    }
    const most = allocatable?.count;
    if (most !== undefined && most < 0) {
      errors.push(invalid(`${at}.allocatable.count`, most, 'must be greater than or equal to 0'));
    }
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    checkTopologyKeys(errors, at, topologyKeys);
  });
  return errors;
}

/** Upstream reports them under the driver itself. */
function checkTopologyKeys(errors: FieldError[], path: string, keys: readonly string[] | undefined): void {
  const seen = new Set<string>();
  for (const key of keys ?? []) {
    if (!key) errors.push(required(path));
    if (seen.has(key)) errors.push(duplicate(path, key));
    seen.add(key);
    pushInvalid(errors, path, key, checkQualifiedName(key));
  }
}

/** What a driver said of a node stays until it goes, but for how much it can take. */
function validateUpdate(object: CSINode, old: CSINode): FieldError[] {
  const errors = validate(object);
  const fixed = ({ allocatable: _, ...rest }: CSINodeDriver) => rest;
  for (const before of old.spec?.drivers ?? []) {
    for (const now of object.spec?.drivers ?? []) {
      if (now.name !== before.name || semanticallyEqual(fixed(now), fixed(before))) continue;
      errors.push(invalid('spec.drivers', fixed(now), immutableMessage));
    }
  }
  return errors;
}

export const csiNode: KindBehaviour<CSINode> = {
  validateCreate: validate,
  validateUpdate,
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
