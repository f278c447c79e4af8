import type { FieldError } from '../kind.ts';
import type { Container, ContainerPort } from '../types.ts';
import { duplicate, notSupported, pushInvalid, required } from './field-error.ts';
import { checkPortName, checkPortNumber } from './name-rules.ts';
import { eachAt } from './paths.ts';

/** Transport protocols, in the order in which errors list them. */
export const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];

/** A number, or the name of a port. */
export function checkPortNumberOrName(errors: FieldError[], path: string, port: number | string): void {
  pushInvalid(errors, path, port, typeof port === 'number' ? checkPortNumber(port) : checkPortName(port));
}

/** Ports of a container. */
export function checkContainerPorts(
  errors: FieldError[],
  path: string,
  ports: readonly ContainerPort[] | undefined,
): void {
  if (!ports) return;
  const names = new Set<string>();
  eachAt(path, ports, (at, port) => {
    if (port.name) {
      const messages = checkPortName(port.name);
      pushInvalid(errors, `${at}.name`, port.name, messages);
      if (messages.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else pushInvalid(errors, `${at}.containerPort`, port.containerPort, checkPortNumber(port.containerPort));
    if (port.hostPort) pushInvalid(errors, `${at}.hostPort`, port.hostPort, checkPortNumber(port.hostPort));
    if (!port.protocol) errors.push(required(`${at}.protocol`));
    else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${at}.protocol`, port.protocol, protocols));
  });
}

/** No two of these containers want the same port of the host. */
export function checkHostPorts(errors: FieldError[], path: string, containers: readonly Container[]): void {
  const taken = new Set<string>();
  eachAt(path, containers, (at, container) => {
    eachAt(`${at}.ports`, container.ports, (portPath, port) => {
      if (!port.hostPort) return;
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(key)) errors.push(duplicate(`${portPath}.hostPort`, key));
      taken.add(key);
    });
  });
}
