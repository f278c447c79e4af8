import type { FieldError } from '../../kind.ts';
import type { DeviceClaim, DeviceRequest } from '../../types.ts';
import { duplicate, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

type Asked = NonNullable<DeviceRequest['exactly']> | NonNullable<DeviceRequest['firstAvailable']>[number];

const allocationModes: readonly string[] = ['All', 'ExactCount'];
const maxRequests = 32;
const maxAlternatives = 8;

/** Fills in how many devices a request means: one. */
export function defaultDeviceClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? []) {
    for (const asked of [exactly, ...(firstAvailable ?? [])]) {
      if (!asked) continue;
      asked.allocationMode ||= 'ExactCount';
      if (asked.allocationMode === 'ExactCount') asked.count ||= 1;
    }
  }
}

/** What a claim asks for: names, classes, counts. Device selectors are compiled where claims are served. */
export function checkDeviceClaim(errors: FieldError[], path: string, claim: DeviceClaim | undefined): void {
  const requests = claim?.requests ?? [];
  if (requests.length > maxRequests) errors.push(tooMany(`${path}.requests`, requests.length, maxRequests));
  const names = new Set<string>();
  eachAt(`${path}.requests`, requests, (at, request) => {
    pushInvalid(errors, `${at}.name`, request.name, checkLabel(request.name));
    if (names.has(request.name)) errors.push(duplicate(`${at}.name`, request.name));
    names.add(request.name);
    const alternatives = request.firstAvailable ?? [];
    if (request.exactly && alternatives.length > 0) {
      errors.push(invalid(at, request.name, 'exactly one of `exactly` or `firstAvailable` must be specified'));
    } else if (!request.exactly && alternatives.length === 0) {
      errors.push(required(at, 'exactly one of `exactly` or `firstAvailable` is required'));
    }
    if (alternatives.length > maxAlternatives) {
      errors.push(tooMany(`${at}.firstAvailable`, alternatives.length, maxAlternatives));
    }
    if (request.exactly) checkAsked(errors, `${at}.exactly`, request.exactly);
    eachAt(`${at}.firstAvailable`, alternatives, (subPath, asked) => {
      pushInvalid(errors, `${subPath}.name`, asked.name, checkLabel(asked.name));
      checkAsked(errors, subPath, asked);
    });
  });
}

function checkAsked(errors: FieldError[], path: string, asked: Asked): void {
  const { deviceClassName, allocationMode = '', count = 0 } = asked;
  if (!deviceClassName) errors.push(required(`${path}.deviceClassName`));
  else pushInvalid(errors, `${path}.deviceClassName`, deviceClassName, checkSubdomain(deviceClassName));
  if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, 'must be greater than zero'));
  } else if (allocationMode === 'All') {
    if (count !== 0) {
      const detail = "must not be specified when allocationMode is 'All'";
      errors.push(invalid(`${path}.count`, count, detail));
    }
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, allocationModes));
}
