import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Endpoint, EndpointSlice, EndpointSlicePort } from '../../types.ts';
import { addressFamily } from '../addresses.ts';
import { setGeneration } from '../behaviour.ts';
import { ageColumn, listWithMore, nameColumn, text } from '../columns.ts';
import { checkEndpointAddress } from '../core/endpoints-rules.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabel, checkLabelValue, checkPortNumber, checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { protocols } from '../ports.ts';

const addressTypes: readonly string[] = ['FQDN', 'IPv4', 'IPv6'];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxHints = 8;

function validate(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  else if (!addressTypes.includes(slice.addressType)) {
    errors.push(notSupported('addressType', slice.addressType, addressTypes));
  }
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > maxEndpoints) errors.push(tooMany('endpoints', endpoints.length, maxEndpoints));
  else
    eachAt('endpoints', endpoints, (at, endpoint) => checkEndpoint(errors, at, { endpoint, type: slice.addressType }));
  checkPorts(errors, slice.ports ?? []);
  return errors;
}

function checkEndpoint(
  errors: FieldError[],
  path: string,
  { endpoint, type }: { endpoint: Endpoint; type: string },
): void {
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, 'must contain at least 1 address'));
  if (addresses.length > maxAddresses) errors.push(tooMany(`${path}.addresses`, addresses.length, maxAddresses));
  eachAt(`${path}.addresses`, addresses, (at, address) => checkAddressOfType(errors, at, { address, type }));
  const { nodeName, hostname, deprecatedTopology } = endpoint;
  if (nodeName !== undefined) pushInvalid(errors, `${path}.nodeName`, nodeName, checkSubdomain(nodeName));
  if (hostname !== undefined) pushInvalid(errors, `${path}.hostname`, hostname, checkLabel(hostname));
  for (const key in deprecatedTopology) {
    pushInvalid(errors, `${path}.deprecatedTopology`, key, checkQualifiedName(key));
    if (key === 'topology.kubernetes.io/zone') {
      errors.push(invalid(`${path}.deprecatedTopology`, key, 'should use zone field instead'));
    }
  }
  const zones = endpoint.hints?.forZones ?? [];
  if (zones.length > maxHints) errors.push(tooMany(`${path}.hints.forZones`, zones.length, maxHints));
  const seen = new Set<string>();
  eachAt(`${path}.hints.forZones`, zones, (at, { name }) => {
    if (!name) errors.push(required(`${at}.name`, 'must not be empty'));
    if (seen.has(name)) errors.push(duplicate(at, name));
    pushInvalid(errors, at, name, checkLabelValue(name));
    seen.add(name);
  });
}

function checkAddressOfType(
  errors: FieldError[],
  path: string,
  { address, type }: { address: string; type: string },
): void {
  if (type === 'FQDN') {
    pushInvalid(errors, path, address, checkSubdomain(address));
    return;
  }
  const family = addressFamily(address);
  if (`IPv${family}` !== type) {
    const text =
      family === undefined
        ? 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        : `must be an ${type} address`;
    errors.push(invalid(path, address, text));
  } else checkEndpointAddress(errors, path, address);
}

function checkPorts(errors: FieldError[], ports: readonly EndpointSlicePort[]): void {
  if (ports.length > maxPorts) {
    errors.push(tooMany('ports', ports.length, maxPorts));
    return;
  }
  const names = new Set<string>();
  eachAt('ports', ports, (at, { name = '', port, protocol, appProtocol }) => {
    if (name) pushInvalid(errors, `${at}.name`, name, checkLabel(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (port !== undefined) pushInvalid(errors, `${at}.port`, port, checkPortNumber(port));
    if (!protocol) errors.push(required(`${at}.protocol`));
    else if (!protocols.includes(protocol)) errors.push(notSupported(`${at}.protocol`, protocol, protocols));
    if (appProtocol !== undefined) {
      pushInvalid(errors, `${at}.appProtocol`, appProtocol, checkQualifiedName(appProtocol));
    }
  });
}

function formatPorts(slice: EndpointSlice): string {
  const ports = (slice.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)));
  return listWithMore(ports, ports.length, 3, '<unset>');
}

function formatAddresses(slice: EndpointSlice): string {
  const addresses = (slice.endpoints ?? []).flatMap(endpoint => endpoint.addresses ?? []);
  return listWithMore(addresses, addresses.length, 3, '<unset>');
}

function contentOf({ metadata, endpoints, ports, addressType }: EndpointSlice): unknown {
  return { labels: metadata.labels, endpoints, ports, addressType };
}

export const endpointSlice: KindBehaviour<EndpointSlice> = {
  defaults(draft) {
    for (const port of draft.ports ?? []) {
      port.name ??= '';
      port.protocol ||= 'TCP';
    }
  },
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: (draft, old) => setGeneration(draft, old, !semanticallyEqual(contentOf(draft), contentOf(old))),
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (object.addressType !== old.addressType) {
      errors.push(invalid('addressType', object.addressType, immutableMessage));
    }
    return errors;
  },
  columns: [
    nameColumn,
    text('AddressType', 'IPv4, IPv6 or FQDN.', o => o.addressType),
    text('Ports', 'Ports that serve.', formatPorts),
    text('Endpoints', 'Addresses that serve.', formatAddresses),
    ageColumn,
  ],
};
