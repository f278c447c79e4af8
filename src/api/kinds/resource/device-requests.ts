import type { FieldError } from '../../kind.ts';
import type { DeviceClaim, DeviceConstraint, DeviceRequest } from '../../types.ts';
import { invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkDeviceConfig } from './device-config.ts';
import { maxAlternatives, maxListItems } from './device-limits.ts';
import { checkFullDeviceKey, checkRequestReference, eachUnique, type RequestNames } from './device-names.ts';
import { checkDeviceSelectors } from './device-selectors.ts';
import { checkDeviceToleration } from './device-taints.ts';

type Asked = NonNullable<DeviceRequest['exactly']> | NonNullable<DeviceRequest['firstAvailable']>[number];

const allocationModes: readonly string[] = ['All', 'ExactCount'];

/** Fills in how many devices a request means (one), and that a toleration without an operator compares. */
export function defaultDeviceClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? []) {
    for (const asked of [exactly, ...(firstAvailable ?? [])]) {
      if (!asked) continue;
      asked.allocationMode ||= 'ExactCount';
      if (asked.allocationMode === 'ExactCount') asked.count ||= 1;
      for (const toleration of asked.tolerations ?? []) toleration.operator ||= 'Equal';
    }
  }
}

export function requestNamesOf(claim: DeviceClaim | undefined): RequestNames {
  const requests = claim?.requests ?? [];
  return new Map(
    requests.map(({ name, firstAvailable }) => [name, new Set((firstAvailable ?? []).map(sub => sub.name))]),
  );
}

/** What a claim asks for: requests, constraints between their devices, parameters. Source: pkg/apis/resource/validation. */
export function checkDeviceClaim(errors: FieldError[], path: string, claim: DeviceClaim | undefined): void {
  const names = requestNamesOf(claim);
  eachUnique(errors, `${path}.requests`, {
    list: claim?.requests,
    max: maxListItems,
    keyOf: ({ name }) => name,
    check: (at, request) => checkRequest(errors, at, request),
  });
  const { constraints = [], config = [] } = claim ?? {};
  if (constraints.length > maxListItems) {
    errors.push(tooMany(`${path}.constraints`, constraints.length, maxListItems));
  } else {
    eachAt(`${path}.constraints`, constraints, (at, constraint) => checkConstraint(errors, at, { constraint, names }));
  }
  if (config.length > maxListItems) return void errors.push(tooMany(`${path}.config`, config.length, maxListItems));
  eachAt(`${path}.config`, config, (at, { requests, opaque }) => {
    checkReferences(errors, `${at}.requests`, { requests, names });
    checkDeviceConfig(errors, at, { opaque });
  });
}

/** Names of requests, each once. */
export function checkReferences(
  errors: FieldError[],
  path: string,
  { requests, names }: { requests: readonly string[] | undefined; names: RequestNames },
): void {
  const check = (at: string, name: string) => checkRequestReference(errors, at, { name, names });
  eachUnique(errors, path, { list: requests, max: maxListItems, keyOf: name => name, check });
}

function checkRequest(errors: FieldError[], at: string, request: DeviceRequest): void {
  pushInvalid(errors, `${at}.name`, request.name, checkLabel(request.name));
  const alternatives = request.firstAvailable ?? [];
  const detail = 'exactly one of `exactly` or `firstAvailable` is required';
  if (request.exactly && alternatives.length > 0) {
    errors.push(invalid(at, undefined, `${detail}, but multiple fields are set`));
  } else if (request.exactly) checkAsked(errors, `${at}.exactly`, request.exactly);
  else if (alternatives.length === 0) errors.push(required(at, detail));
  else {
    eachUnique(errors, `${at}.firstAvailable`, {
      list: alternatives,
      max: maxAlternatives,
      keyOf: ({ name }) => name,
      check(subPath, asked) {
        pushInvalid(errors, `${subPath}.name`, asked.name, checkLabel(asked.name));
        checkAsked(errors, subPath, asked);
      },
    });
  }
}

function checkAsked(errors: FieldError[], path: string, asked: Asked): void {
  const { deviceClassName, allocationMode = '', count = 0, selectors, tolerations } = asked;
  if (!deviceClassName) errors.push(required(`${path}.deviceClassName`));
  else pushInvalid(errors, `${path}.deviceClassName`, deviceClassName, checkSubdomain(deviceClassName));
  checkDeviceSelectors(errors, `${path}.selectors`, { selectors });
  if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, 'must be greater than zero'));
  } else if (allocationMode === 'All') {
    const detail = "must not be specified when allocationMode is 'All'";
    if (count !== 0) errors.push(invalid(`${path}.count`, count, detail));
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, allocationModes));
  eachAt(`${path}.tolerations`, tolerations, (at, toleration) => checkDeviceToleration(errors, at, toleration));
}

function checkConstraint(
  errors: FieldError[],
  at: string,
  { constraint, names }: { constraint: DeviceConstraint; names: RequestNames },
): void {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  checkReferences(errors, `${at}.requests`, { requests, names });
  if (matchAttribute !== undefined) checkFullDeviceKey(errors, `${at}.matchAttribute`, matchAttribute);
  else if (distinctAttribute !== undefined) checkFullDeviceKey(errors, `${at}.distinctAttribute`, distinctAttribute);
  else {
    const detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    errors.push(required(at, detail));
  }
}
