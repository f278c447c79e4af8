import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Endpoint, EndpointSlice, EndpointSlicePort } from '../../types.ts';
import { warnAboutAddress } from '../address-warnings.ts';
import { addressFamily, checkAddress, checkCanonicalAddress } from '../addresses.ts';
import { setGeneration } from '../behaviour.ts';
import { ageColumn, listWithMore, nameColumn, text } from '../columns.ts';
import { checkEndpointAddress } from '../core/endpoints-rules.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabel, checkLabelValue, checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { protocols } from '../ports.ts';

const addressTypes: readonly string[] = ['FQDN', 'IPv4', 'IPv6'];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxHints = 8;

function validate(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  else if (!addressTypes.includes(slice.addressType)) {
    errors.push(notSupported('addressType', slice.addressType, addressTypes));
  }
  checkPorts(errors, slice.ports ?? []);
  const endpoints = slice.endpoints ?? [];
  // Older versions took addresses that are refused now: what is as it was may be written again.
  if (old && semanticallyEqual(old.endpoints, endpoints)) return errors;
  if (endpoints.length > maxEndpoints) errors.push(tooMany('endpoints', endpoints.length, maxEndpoints));
  else
    eachAt('endpoints', endpoints, (at, endpoint) => checkEndpoint(errors, at, { endpoint, type: slice.addressType }));
  return errors;
}

function checkEndpoint(
  errors: FieldError[],
  path: string,
  { endpoint, type }: { endpoint: Endpoint; type: string },
): void {
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > maxAddresses) errors.push(tooMany(`${path}.addresses`, addresses.length, maxAddresses));
  eachAt(`${path}.addresses`, addresses, (at, address) => {
    checkAddressOfType(errors, at, { address, type, list: `${path}.addresses` });
  });
  const { nodeName, hostname } = endpoint;
  if (nodeName !== undefined) pushInvalid(errors, `${path}.nodeName`, nodeName, checkSubdomain(nodeName));
  if (hostname !== undefined) pushInvalid(errors, `${path}.hostname`, hostname, checkLabel(hostname));
  checkHints(errors, `${path}.hints`, endpoint.hints);
}

/** Zones and nodes that an endpoint is best for. */
function checkHints(errors: FieldError[], path: string, hints: Endpoint['hints']): void {
  const parts = [
    ['forZones', checkLabelValue],
    ['forNodes', checkSubdomain],
  ] as const;
  for (const [part, check] of parts) {
    const list = hints?.[part] ?? [];
    if (list.length > maxHints) return void errors.push(tooMany(`${path}.${part}`, list.length, maxHints));
    const seen = new Set<string>();
    eachAt(`${path}.${part}`, list, (at, { name = '' }) => {
      if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
      seen.add(name);
      pushInvalid(errors, `${at}.name`, name, check(name));
    });
  }
}

/** Upstream reports an address of the other family under the list itself. */
function checkAddressOfType(
  errors: FieldError[],
  path: string,
  { address, type, list }: { address: string; type: string; list: string },
): void {
  if (type === 'FQDN') checkFullName(errors, path, address);
  if (type !== 'IPv4' && type !== 'IPv6') return;
  const check = type === 'IPv4' ? checkAddress : checkCanonicalAddress;
  if (!check(errors, path, address)) return;
  if (`IPv${addressFamily(address)}` !== type) errors.push(invalid(list, address, `must be an ${type} address`));
  checkEndpointAddress(errors, path, address);
}

function checkFullName(errors: FieldError[], path: string, text: string): void {
  if (!text) return void errors.push(required(path));
  const name = text.replace(/\.$/, '');
  const messages = checkSubdomain(name);
  const labels = name.split('.');
  if (messages.length > 0) errors.push(invalid(path, name, messages.join(',')));
  else if (labels.length < 2) {
    errors.push(invalid(path, name, 'should be a domain with at least two segments separated by dots'));
  } else {
    const wrong = labels.find(label => checkLabel(label).length > 0);
    if (wrong !== undefined) errors.push(invalid(path, wrong, checkLabel(wrong).join(',')));
  }
}

function checkPorts(errors: FieldError[], ports: readonly EndpointSlicePort[]): void {
  if (ports.length > maxPorts) {
    errors.push(tooMany('ports', ports.length, maxPorts));
    return;
  }
  const names = new Set<string>();
  eachAt('ports', ports, (at, { name = '', protocol, appProtocol }) => {
    if (name) pushInvalid(errors, `${at}.name`, name, checkLabel(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
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

/** A member of older versions, which this one reads and never writes. */
function dropTopology(draft: EndpointSlice): void {
  for (const endpoint of draft.endpoints ?? []) delete endpoint.deprecatedTopology;
}

/** Controllers write addresses as they should be. */
const controllerLabel = 'endpointslice.kubernetes.io/managed-by';
const controllers: readonly (string | undefined)[] = [
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
];

function warnAboutSlice({ metadata, addressType, endpoints }: EndpointSlice, old: EndpointSlice | undefined): string[] {
  const warnings: string[] = [];
  if (!old && addressType === 'FQDN') warnings.push('spec.addressType: FQDN endpoints are deprecated');
  if (controllers.includes(metadata.labels?.[controllerLabel])) return warnings;
  eachAt('endpoints', endpoints, (path, { addresses }) => {
    eachAt(`${path}.addresses`, addresses, (at, address) => void warnings.push(...warnAboutAddress(at, address)));
  });
  return warnings;
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
    dropTopology(draft);
  },
  prepareUpdate(draft, old) {
    dropTopology(draft);
    setGeneration(draft, old, !semanticallyEqual(contentOf(draft), contentOf(old)));
  },
  validateCreate: object => validate(object),
  validateUpdate(object, old) {
    const errors = validate(object, old);
    if (object.addressType !== old.addressType) {
      errors.push(invalid('addressType', object.addressType, immutableMessage));
    }
    return errors;
  },
  warnings: warnAboutSlice,
  columns: [
    nameColumn,
    text('AddressType', 'IPv4, IPv6 or FQDN.', o => o.addressType),
    text('Ports', 'Ports that serve.', formatPorts),
    text('Endpoints', 'Addresses that serve.', formatAddresses),
    ageColumn,
  ],
};
