import type { FieldError } from '../../kind.ts';
import type { ServicePort, ServiceSpec } from '../../types.ts';
import { duplicate, forbidden, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabel, checkPortNumber, checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkPortNumberOrName, protocols } from '../ports.ts';

/** Ports of a service: names, numbers, and no pair of port and protocol twice. */
export function checkServicePorts(errors: FieldError[], spec: ServiceSpec): void {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  eachAt('spec.ports', ports, (path, port) => checkPort(errors, path, { port, names, named: ports.length > 1 }));
  if (spec.type === 'ClusterIP') {
    ports.forEach((port, index) => {
      if (!port.nodePort) return;
      errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    });
  }
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach((port, index) => {
    const nodeKey = `${port.protocol}/${port.nodePort}`;
    if (port.nodePort && nodePorts.has(nodeKey)) {
      errors.push(duplicate(`spec.ports[${index}].nodePort`, port.nodePort));
    }
    nodePorts.add(nodeKey);
  });
  ports.forEach((port, index) => {
    const key = `${port.protocol}/${port.port}`;
    if (numbers.has(key)) {
      errors.push(duplicate(`spec.ports[${index}]`, { protocol: port.protocol, port: port.port }));
    }
    numbers.add(key);
  });
}

function checkPort(
  errors: FieldError[],
  path: string,
  { port, names, named }: { port: ServicePort; names: Set<string>; named: boolean },
): void {
  if (named && !port.name) errors.push(required(`${path}.name`));
  else if (port.name) {
    pushInvalid(errors, `${path}.name`, port.name, checkLabel(port.name));
    if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
    names.add(port.name);
  }
  pushInvalid(errors, `${path}.port`, port.port, checkPortNumber(port.port));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(port.protocol)) {
    errors.push(notSupported(`${path}.protocol`, port.protocol, protocols));
  }
  checkPortNumberOrName(errors, `${path}.targetPort`, port.targetPort ?? 0);
  if (port.appProtocol !== undefined) {
    pushInvalid(errors, `${path}.appProtocol`, port.appProtocol, checkQualifiedName(port.appProtocol));
  }
}
