import { parseCidr } from '#base';
import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ServiceCIDR } from '../../types.ts';
import { checkCanonicalCidr } from '../addresses.ts';
import { keepAllButStatus, keepMetadata, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { immutableMessage, invalid, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';

const onePerFamily = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';

function validate(object: ServiceCIDR): FieldError[] {
  const ranges = object.spec?.cidrs ?? [];
  const field = 'spec.cidrs';
  if (ranges.length === 0) return [required(field, 'at least one CIDR required')];
  if (ranges.length > 2) return [invalid(field, { CIDRs: ranges }, 'may only hold up to 2 values')];
  const errors: FieldError[] = [];
  eachAt(field, ranges, (at, range) => checkCanonicalCidr(errors, at, range));
  const families = ranges.map(range => parseCidr(range)?.family);
  if (families.length === 2 && families[0] !== undefined && families[0] === families[1]) {
    errors.push(invalid(field, ranges, onePerFamily));
  }
  return errors;
}

/** Nothing changes, but that one family may become two. */
function validateUpdate(object: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const now = object.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  const isWidened = before.length === 1 && now.length === 2;
  if (!isWidened && before.length !== now.length) return [invalid('spec.cidrs', now, immutableMessage)];
  const errors = before.flatMap((range, index) =>
    range === now[index] ? [] : [invalid(`spec.cidrs[${index}]`, now[index], immutableMessage)],
  );
  return isWidened ? [...errors, ...validate(object)] : errors;
}

export const serviceCidr: KindBehaviour<ServiceCIDR> = {
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old, subresource) {
    if (subresource !== 'status') return;
    keepAllButStatus(draft, old);
    keepMetadata(draft, old);
  },
  validateCreate: validate,
  validateUpdate,
  columns: [nameColumn, text('CIDRs', 'Ranges of addresses.', o => (o.spec?.cidrs ?? []).join(',')), ageColumn],
};
