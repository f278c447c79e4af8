import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule } from '../../types.ts';
import { addressFamily, checkAddress } from '../addresses.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, nameColumn, sortedSet, text } from '../columns.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import {
  checkLabel,
  checkPathSegment,
  checkPortName,
  checkPortNumber,
  checkSubdomain,
  checkWildcardSubdomain,
} from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes: readonly string[] = ['Exact', 'ImplementationSpecific', 'Prefix'];
const badSequences: readonly string[] = ['//', '/./', '/../', '%2f', '%2F'];
const badEnds: readonly string[] = ['/..', '/.'];
const notIp = 'must be a DNS name, not an IP address';

function checkHost(errors: FieldError[], path: string, host: string): void {
  pushInvalid(errors, path, host, host.includes('*') ? checkWildcardSubdomain(host) : checkSubdomain(host));
}

function validate(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  const { rules, defaultBackend, tls, ingressClassName } = ingress.spec;
  if (!rules?.length && !defaultBackend) {
    errors.push(invalid('spec', rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) checkBackend(errors, 'spec.defaultBackend', defaultBackend);
  eachAt('spec.rules', rules, (at, rule) => checkRule(errors, at, rule));
  eachAt('spec.tls', tls, (at, { hosts, secretName }) => {
    eachAt(`${at}.hosts`, hosts, (path, host) => checkHost(errors, path, host));
    if (secretName) pushInvalid(errors, `${at}.secretName`, secretName, checkSubdomain(secretName));
  });
  if (ingressClassName !== undefined) {
    pushInvalid(errors, 'spec.ingressClassName', ingressClassName, checkSubdomain(ingressClassName));
  }
  return errors;
}

function validateCreate(ingress: Ingress): FieldError[] {
  const errors = validate(ingress);
  const annotation = ingress.metadata.annotations?.[classAnnotation];
  const name = ingress.spec.ingressClassName;
  if (annotation !== undefined && name !== undefined && annotation !== name) {
    const detail = 'must match `ingressClassName` when both are specified';
    errors.push(invalid(`annotations.${classAnnotation}`, annotation, detail));
  }
  return errors;
}

function checkRule(errors: FieldError[], path: string, rule: IngressRule): void {
  if (rule.host) {
    if (addressFamily(rule.host) !== undefined) errors.push(invalid(`${path}.host`, rule.host, notIp));
    checkHost(errors, `${path}.host`, rule.host);
  }
  if (!rule.http) return;
  if (!rule.http.paths?.length) errors.push(required(`${path}.http.paths`));
  eachAt(`${path}.http.paths`, rule.http.paths, (at, entry) => checkPath(errors, at, entry));
}

function checkPath(errors: FieldError[], path: string, entry: HTTPIngressPath): void {
  const { pathType, path: value = '' } = entry;
  const field = `${path}.path`;
  if (pathType == null) return void errors.push(required(`${path}.pathType`, 'pathType must be specified'));
  if (!pathTypes.includes(pathType)) errors.push(notSupported(`${path}.pathType`, pathType, pathTypes));
  else {
    const loose = pathType === 'ImplementationSpecific';
    if (!value.startsWith('/') && !(loose && value === '')) {
      errors.push(invalid(field, value, 'must be an absolute path'));
    }
    for (const part of loose ? [] : badSequences) {
      if (value.includes(part)) errors.push(invalid(field, value, `must not contain '${part}'`));
    }
    for (const end of loose ? [] : badEnds) {
      if (value.endsWith(end)) errors.push(invalid(field, value, `cannot end with '${end}'`));
    }
  }
  checkBackend(errors, `${path}.backend`, entry.backend ?? {});
}

function checkBackend(errors: FieldError[], path: string, { service, resource }: IngressBackend): void {
  if (service && resource) return void errors.push(invalid(path, '', 'cannot set both resource and service backends'));
  if (!service && !resource) return void errors.push(invalid(path, '', 'resource or service backend is required'));
  if (resource) {
    if (resource.apiGroup != null) {
      pushInvalid(errors, `${path}.resource.apiGroup`, resource.apiGroup, checkSubdomain(resource.apiGroup));
    }
    for (const part of ['kind', 'name'] as const) {
      if (!resource[part]) errors.push(required(`${path}.resource.${part}`));
      else pushInvalid(errors, `${path}.resource.${part}`, resource[part], checkPathSegment(resource[part]));
    }
  }
  if (service) checkServiceBackend(errors, path, service);
}

function checkServiceBackend(
  errors: FieldError[],
  path: string,
  { name, port }: NonNullable<IngressBackend['service']>,
): void {
  if (!name) errors.push(required(`${path}.service.name`));
  else pushInvalid(errors, `${path}.service.name`, name, checkLabel(name));
  if (port?.name && port.number) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (port?.name) pushInvalid(errors, `${path}.service.port.name`, port.name, checkPortName(port.name));
  else if (port?.number) pushInvalid(errors, `${path}.service.port.number`, port.number, checkPortNumber(port.number));
  else errors.push(required(path, 'port name or number is required'));
}

function validateStatus(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  eachAt('status.loadBalancer.ingress', ingress.status?.loadBalancer?.ingress, (at, { ip, hostname }) => {
    if (ip) checkAddress(errors, `${at}.ip`, ip);
    if (!hostname) return;
    pushInvalid(errors, `${at}.hostname`, hostname, checkSubdomain(hostname));
    if (addressFamily(hostname) !== undefined) errors.push(invalid(`${at}.hostname`, hostname, notIp));
  });
  return errors;
}

/** At most three hosts; rules beyond them are counted. */
function formatHosts(ingress: Ingress): string {
  const rules = ingress.spec.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (hosts.length === 3) more = true;
    if (!more && host) hosts.push(host);
  }
  if (hosts.length === 0) return '*';
  return more ? `${hosts.join(',')} + ${rules.length - 3} more...` : hosts.join(',');
}

export const ingress: KindBehaviour<Ingress> = {
  shortNames: ['ing'],
  ...specStrategy<Ingress>(),
  validateCreate,
  validateUpdate: validate,
  validateSubresource: validateStatus,
  warnings(object, old) {
    const uses = object.metadata.annotations?.[classAnnotation] !== undefined;
    if (old || !uses || object.spec.ingressClassName !== undefined) return [];
    return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
  },
  columns: [
    nameColumn,
    text(
      'Class',
      'The name of the IngressClass resource that should be used for additional configuration',
      o => o.spec.ingressClassName ?? '<none>',
    ),
    text('Hosts', 'Hosts that incoming requests are matched against before the ingress rule', formatHosts),
    text('Address', 'Address is a list containing ingress points for the load-balancer', o =>
      sortedSet((o.status?.loadBalancer?.ingress ?? []).map(entry => entry.ip || entry.hostname || '').filter(Boolean)),
    ),
    text('Ports', 'Ports of TLS configurations that open', o => (o.spec.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
};
