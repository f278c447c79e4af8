import type { APIService, APIServiceCondition, EndpointSlice } from '#api';
import { resources } from '#api';
import { type Clock, formatTime } from '#base';
import type { ObjectReader } from '../reader.ts';
import { type Backends, backendUrl, defaultServicePort } from './backend.ts';
import { toIdentityHeaders } from './identity-headers.ts';

/** What is found out about an APIService, before times are put to it. */
export interface Finding {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export const localFinding: Finding = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};
const passed: Finding = { status: 'True', reason: 'Passed', message: 'all checks passed' };
const lacking = (reason: string, message: string): Finding => ({ status: 'False', reason, message });

/** How often a server is asked at once, of which one success is enough: one of several endpoints may be ill (as upstream). */
const attempts = 5;
const attemptMs = 5000;
/** Asks with all rights, so that the answer says whether the server works and not what somebody may. */
const asker = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** What keeps the service of an APIService from being asked at all; undefined: nothing. Pure but for the reader. */
export function findObstacle(reader: ObjectReader, object: APIService): Finding | undefined {
  const { name = '', namespace = '', port = defaultServicePort } = object.spec.service ?? {};
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = reader.get(resources.services, namespace, name);
  if (!service) return lacking('ServiceNotFound', `${where} is not present`);
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const found = service.spec.ports?.find(entry => entry.port === port);
  if (!found) return lacking('ServicePortError', `${where} is not listening on port ${port}`);
  const slices = reader
    .list(resources.endpointslices, namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) return lacking('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = found.name ?? '';
  if (slices.some(slice => isActive(slice, portName))) return undefined;
  const message = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`;
  return lacking('MissingEndpoints', message);
}

function isActive(slice: EndpointSlice, portName: string): boolean {
  const isReady = (slice.endpoints ?? []).some(({ conditions }) => conditions?.ready !== false);
  return isReady && (slice.ports ?? []).some(({ name = '', port }) => name === portName && port !== undefined);
}

/** Looks at the service and asks its server for what it must serve. Takes at most `attemptMs`. */
export async function checkAvailability(
  object: APIService,
  deps: { reader: ObjectReader; backends: Backends; clock: Clock; signal: AbortSignal },
): Promise<Finding> {
  const obstacle = findObstacle(deps.reader, object);
  if (obstacle) return obstacle;
  const tries = Array.from({ length: attempts }, () => askOnce(object, deps));
  try {
    await Promise.any(tries);
    return passed;
  } catch (error) {
    deps.signal.throwIfAborted();
    // Always the same of several texts, or the condition would change with every check.
    const texts = (error as AggregateError).errors.map(each => (each as Error).message).sort();
    return lacking('FailedDiscoveryCheck', texts[0] ?? '');
  }
}

async function askOnce(
  object: APIService,
  { backends, clock, signal }: { backends: Backends; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { group, version } = object.spec;
  const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const address = backends.resolve(object);
  const url = backendUrl(address, path);
  const stop = new AbortController();
  const timeout = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  using _timer = clock.timer(attemptMs, () => stop.abort(new Error(timeout)), { unref: true });
  const either = AbortSignal.any([signal, stop.signal]);
  let status: number | undefined;
  try {
    const headers = { accept: 'application/json', ...toIdentityHeaders(asker) };
    const { response } = await backends.send(object, address, {
      method: 'GET',
      path,
      headers,
      signal: either,
      insecure: true,
    });
    status = response.statusCode;
    response.destroy();
  } catch (cause) {
    throw new Error(`failing or missing response from ${url}: Get "${url}": ${(cause as Error).message}`, { cause });
  }
  if (status === undefined || status < 200 || status >= 300)
    throw new Error(`failing or missing response from ${url}: bad status from ${url}: ${status}`);
}

/** The conditions with what was found put in; undefined when they say so already. The time is that of the last change of status. */
export function withFinding(
  object: APIService,
  finding: Finding,
  nowMs: number,
): readonly APIServiceCondition[] | undefined {
  const conditions = object.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'Available');
  const isSame = before?.status === finding.status;
  if (isSame && before.reason === finding.reason && before.message === finding.message) return undefined;
  const lastTransitionTime = (isSame && before.lastTransitionTime) || formatTime(nowMs);
  const condition: APIServiceCondition = { type: 'Available', ...finding, lastTransitionTime };
  return [...conditions.filter(one => one !== before), condition];
}
