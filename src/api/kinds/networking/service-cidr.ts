import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ServiceCIDR } from '../../types.ts';
import { warnAboutRange } from '../address-warnings.ts';
import { checkCidr } from '../addresses.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';

function validate(object: ServiceCIDR): FieldError[] {
  const errors: FieldError[] = [];
  const ranges = object.spec?.cidrs ?? [];
  if (ranges.length === 0) return [required('spec.cidrs', 'at least one CIDR required')];
  if (ranges.length > 2) errors.push(invalid('spec', object.spec, 'may only hold up to 2 values'));
  const families = new Set(ranges.map(range => range.includes(':')));
  if (ranges.length > 1 && families.size < 2) {
    errors.push(invalid('spec', object.spec, 'may specify no more than one IP for each IP family'));
  }
  eachAt('spec.cidrs', ranges, (at, range) => checkCidr(errors, at, range));
  return errors;
}

export const serviceCidr: KindBehaviour<ServiceCIDR> = {
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource: keepAllButStatus,
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (!semanticallyEqual(object.spec?.cidrs, old.spec?.cidrs)) {
      errors.push(invalid('spec.cidrs', object.spec?.cidrs ?? null, immutableMessage));
    }
    return errors;
  },
  warnings: object => (object.spec?.cidrs ?? []).flatMap((range, i) => warnAboutRange(`spec.cidrs[${i}]`, range)),
  columns: [nameColumn, text('CIDRs', 'Ranges of addresses.', o => (o.spec?.cidrs ?? []).join(',')), ageColumn],
};
