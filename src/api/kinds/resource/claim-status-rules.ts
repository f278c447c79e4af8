import type { FieldError } from '../../kind.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../../types.ts';
import { checkInterfaceAddress } from '../addresses.ts';
import { checkNodeSelector } from '../affinity.ts';
import { checkConditions } from '../conditions.ts';
import { semanticallyEqual } from '../equality.ts';
import {
  forbidden,
  immutableMessage,
  invalid,
  notSupported,
  pushInvalid,
  required,
  tooLong,
  tooMany,
} from '../field-error.ts';
import { checkLabel } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkDriverName } from '../volumes.ts';
import { checkDeviceConfig, checkRawObject } from './device-config.ts';
import {
  maxAddresses,
  maxConsumers,
  maxHardwareAddress,
  maxInterfaceName,
  maxListItems,
  maxParameters,
  maxStatusConditions,
} from './device-limits.ts';
import {
  checkBindingConditions,
  checkPoolName,
  checkRequestReference,
  checkShareId,
  eachUnique,
  type RequestNames,
} from './device-names.ts';
import { checkReferences, requestNamesOf } from './device-requests.ts';
import { checkDeviceToleration } from './device-taints.ts';

const sources: readonly string[] = ['FromClaim', 'FromClass'];

interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string | undefined;
}

const idOf = ({ driver, pool, device }: DeviceId) => `${driver}/${pool}/${device}`;
const sharedIdOf = (id: DeviceId) => (id.shareID ? `${idOf(id)}/${id.shareID}` : idOf(id));

/** What drivers said of devices that the claim has no longer goes. */
export function dropDeallocated(claim: ResourceClaim, old: ResourceClaim): void {
  const { status } = claim;
  if (!status?.devices) return;
  const now = new Set((status.allocation?.devices?.results ?? []).map(idOf));
  const gone = new Set((old.status?.allocation?.devices?.results ?? []).map(idOf).filter(id => !now.has(id)));
  const left = status.devices.filter(device => !gone.has(idOf(device)));
  if (left.length > 0) status.devices = left;
  else delete status.devices;
}

/** The devices that a claim got, who uses them, and what their drivers say. Source: validateResourceClaimStatusUpdate. */
export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const errors: FieldError[] = [];
  const { allocation, reservedFor = [], devices } = claim.status ?? {};
  eachUnique(errors, 'status.reservedFor', {
    list: reservedFor,
    max: maxConsumers,
    keyOf: ({ uid }) => uid,
    check: (at, consumer) => checkConsumer(errors, at, consumer),
  });
  const allocated = new Set((allocation?.devices?.results ?? []).map(sharedIdOf));
  eachUnique(errors, 'status.devices', {
    list: devices,
    keyOf: sharedIdOf,
    check: (at, device) => checkDeviceStatus(errors, at, { device, allocated }),
  });
  checkReservations(errors, claim, old);
  const before = old.status?.allocation;
  if (before && allocation) {
    if (!semanticallyEqual(before, allocation)) errors.push(invalid('status.allocation', allocation, immutableMessage));
  } else if (allocation) checkAllocation(errors, allocation, requestNamesOf(claim.spec.devices));
  return errors;
}

function checkConsumer(errors: FieldError[], at: string, consumer: ResourceClaimConsumerReference): void {
  for (const part of ['resource', 'name', 'uid'] as const) if (!consumer[part]) errors.push(required(`${at}.${part}`));
}

function checkReservations(errors: FieldError[], { metadata, status }: ResourceClaim, old: ResourceClaim): void {
  const reserved = status?.reservedFor ?? [];
  if (reserved.length === 0) return;
  const path = 'status.reservedFor';
  if (!status?.allocation) errors.push(forbidden(path, 'may not be specified when `allocated` is not set'));
  else if (metadata.deletionTimestamp) {
    const before = old.status?.reservedFor ?? [];
    if (reserved.every(one => before.some(other => semanticallyEqual(one, other)))) return;
    const when = '`deallocationRequested` or `deletionTimestamp` are set';
    errors.push(forbidden(path, `new entries may not be added while ${when}`));
  }
}

function checkAllocation(errors: FieldError[], { devices, nodeSelector }: AllocationResult, names: RequestNames): void {
  const path = 'status.allocation';
  const { results = [], config = [] } = devices ?? {};
  if (results.length > maxListItems) errors.push(tooMany(`${path}.devices.results`, results.length, maxListItems));
  else eachAt(`${path}.devices.results`, results, (at, result) => checkResult(errors, at, { result, names }));
  // Those of the class and those of the claim.
  const most = 2 * maxListItems;
  if (config.length > most) errors.push(tooMany(`${path}.devices.config`, config.length, most));
  else {
    eachAt(`${path}.devices.config`, config, (at, { source, requests, opaque }) => {
      if (!source) errors.push(required(`${at}.source`));
      else if (!sources.includes(source)) errors.push(notSupported(`${at}.source`, source, sources));
      checkReferences(errors, `${at}.requests`, { requests, names });
      checkDeviceConfig(errors, at, { opaque });
    });
  }
  if (nodeSelector) checkNodeSelector(errors, `${path}.nodeSelector`, nodeSelector);
}

function checkResult(
  errors: FieldError[],
  at: string,
  { result, names }: { result: DeviceRequestAllocationResult; names: RequestNames },
): void {
  checkRequestReference(errors, `${at}.request`, { name: result.request, names });
  checkDriverName(errors, `${at}.driver`, result.driver);
  checkPoolName(errors, `${at}.pool`, result.pool);
  pushInvalid(errors, `${at}.device`, result.device, checkLabel(result.device));
  checkBindingConditions(errors, at, result);
  eachAt(`${at}.tolerations`, result.tolerations, (path, one) => checkDeviceToleration(errors, path, one));
  checkShareId(errors, `${at}.shareID`, result.shareID);
}

function checkDeviceStatus(
  errors: FieldError[],
  at: string,
  { device, allocated }: { device: AllocatedDeviceStatus; allocated: ReadonlySet<string> },
): void {
  checkDriverName(errors, `${at}.driver`, device.driver);
  checkPoolName(errors, `${at}.pool`, device.pool);
  pushInvalid(errors, `${at}.device`, device.device, checkLabel(device.device));
  checkShareId(errors, `${at}.shareID`, device.shareID);
  if (!allocated.has(sharedIdOf(device))) {
    errors.push(invalid(at, sharedIdOf(device), 'must be an allocated device in the claim'));
  }
  const { conditions = [], data, networkData } = device;
  if (conditions.length > maxStatusConditions) {
    errors.push(tooMany(`${at}.conditions`, conditions.length, maxStatusConditions));
  }
  checkConditions(errors, `${at}.conditions`, conditions);
  if (data !== undefined) {
    checkRawObject(errors, `${at}.data`, { value: data, stored: false, maxBytes: maxParameters });
  }
  if (networkData) checkNetworkData(errors, `${at}.networkData`, networkData);
}

function checkNetworkData(errors: FieldError[], path: string, data: NetworkDeviceData): void {
  const { interfaceName = '', hardwareAddress = '', ips } = data;
  if (interfaceName.length > maxInterfaceName) errors.push(tooLong(`${path}.interfaceName`, maxInterfaceName));
  if (hardwareAddress.length > maxHardwareAddress) {
    errors.push(tooLong(`${path}.hardwareAddress`, maxHardwareAddress));
  }
  eachUnique(errors, `${path}.ips`, {
    list: ips,
    max: maxAddresses,
    keyOf: address => address,
    check: (at, address) => checkInterfaceAddress(errors, at, address),
  });
}
