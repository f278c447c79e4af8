import { cidrContains, parseCidr } from '#base';
import type { FieldError } from '../../kind.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../../types.ts';
import { addressFamily, checkAddress } from '../addresses.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabel, checkPortNumber, checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { protocols } from '../ports.ts';

const special: readonly { ranges: readonly string[]; detail: string }[] = [
  { ranges: ['0.0.0.0/32', '::/128'], detail: 'may not be unspecified (%v)' },
  { ranges: ['127.0.0.0/8', '::1/128'], detail: 'may not be in the loopback range (127.0.0.0/8, ::1/128)' },
  { ranges: ['169.254.0.0/16', 'fe80::/10'], detail: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)' },
  {
    ranges: ['224.0.0.0/24', 'ff02::/16'],
    detail: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
];

const specialRanges = special.map(({ ranges, detail }) => ({ detail, cidrs: ranges.map(range => parseCidr(range)!) }));

/** Addresses that a service must not send packets to: loopback, link-local and the like. */
export function checkEndpointAddress(errors: FieldError[], path: string, ip: string): void {
  if (addressFamily(ip) === undefined) return void errors.push(invalid(path, ip, 'must be a valid IP address'));
  for (const { detail, cidrs } of specialRanges) {
    if (cidrs.some(cidr => cidrContains(cidr, ip))) errors.push(invalid(path, ip, detail.replace('%v', ip)));
  }
}

export function validateEndpoints(endpoints: Endpoints, old?: Endpoints): FieldError[] {
  const errors: FieldError[] = [];
  // Older versions took addresses that are refused now: what is as it was may be written again.
  if (old && semanticallyEqual(old.subsets, endpoints.subsets)) return errors;
  eachAt('subsets', endpoints.subsets, (path, subset) => checkSubset(errors, path, subset));
  return errors;
}

function checkSubset(errors: FieldError[], path: string, subset: EndpointSubset): void {
  const addresses = subset.addresses ?? [];
  const notReady = subset.notReadyAddresses ?? [];
  if (addresses.length === 0 && notReady.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  eachAt(`${path}.addresses`, addresses, (at, address) => checkSubsetAddress(errors, at, address));
  eachAt(`${path}.notReadyAddresses`, notReady, (at, address) => checkSubsetAddress(errors, at, address));
  const ports = subset.ports ?? [];
  eachAt(`${path}.ports`, ports, (at, port) => checkSubsetPort(errors, at, { port, named: ports.length > 1 }));
}

function checkSubsetAddress(errors: FieldError[], path: string, address: EndpointAddress): void {
  checkAddress(errors, `${path}.ip`, address.ip ?? '');
  if (address.hostname) pushInvalid(errors, `${path}.hostname`, address.hostname, checkLabel(address.hostname));
  if (address.nodeName !== undefined) {
    pushInvalid(errors, `${path}.nodeName`, address.nodeName, checkSubdomain(address.nodeName));
  }
  checkEndpointAddress(errors, `${path}.ip`, address.ip ?? '');
}

function checkSubsetPort(
  errors: FieldError[],
  path: string,
  { port, named }: { port: EndpointPort; named: boolean },
): void {
  if (named && !port.name) errors.push(required(`${path}.name`));
  else if (port.name) pushInvalid(errors, `${path}.name`, port.name, checkLabel(port.name));
  pushInvalid(errors, `${path}.port`, port.port, checkPortNumber(port.port));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${path}.protocol`, port.protocol, protocols));
  if (port.appProtocol !== undefined) {
    pushInvalid(errors, `${path}.appProtocol`, port.appProtocol, checkQualifiedName(port.appProtocol));
  }
}
