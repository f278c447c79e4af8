import type { FieldError } from '../kind.ts';
import type { PodSpec } from '../types.ts';
import { forbidden, invalid } from './field-error.ts';
import { eachAt } from './paths.ts';
import { parseNano } from './quantity.ts';
import { checkResources } from './resources.ts';

/** `spec.resources`: what the pod as a whole gets is enough for its containers. */
export function checkPodResources(
  errors: FieldError[],
  path: string,
  { spec, claims }: { spec: PodSpec; claims: ReadonlySet<string> },
): void {
  const resources = spec.resources;
  if (!resources) return;
  if (spec.os?.name === 'windows') return void errors.push(forbidden(path, 'may not be set for a windows pod'));
  if (resources.claims) errors.push(forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level'));
  checkResources(errors, path, { resources, options: { claims, pod: true } });
  for (const name in resources.requests) {
    const needed = requestedBy(spec, name);
    const given = parseNano(resources.requests[name]!);
    if (given === undefined || needed <= given) continue;
    const detail = `must be greater than or equal to aggregate container requests of ${formatNano(needed)}`;
    errors.push(invalid(`${path}.requests[${name}]`, resources.requests[name], detail));
  }
  eachAt(`${path}.containers`, spec.containers, (at, container) => {
    for (const name in container.resources?.limits) {
      const limit = container.resources.limits[name]!;
      const most = resources.limits?.[name];
      if (most === undefined || (parseNano(limit) ?? 0n) <= (parseNano(most) ?? 0n)) continue;
      errors.push(invalid(`${at}[${name}].limits`, limit, `must be less than or equal to pod limits of ${most}`));
    }
  });
}

/** Containers and sidecars together; or, when that is more, the hungriest moment of initialization. */
export function requestedBy(spec: PodSpec, name: string): bigint {
  const requestOf = (container: PodSpec['containers'][number]) =>
    parseNano(container.resources?.requests?.[name] ?? '0') ?? 0n;
  let sidecars = 0n;
  let peak = 0n;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += requestOf(container);
    const moment = container.restartPolicy === 'Always' ? sidecars : sidecars + requestOf(container);
    if (moment > peak) peak = moment;
  }
  const running = (spec.containers ?? []).reduce((sum, container) => sum + requestOf(container), sidecars);
  return running > peak ? running : peak;
}

/** In units, or thousandths where that is not whole. */
export function formatNano(nanos: bigint): string {
  if (nanos % 1_000_000_000n === 0n) return String(nanos / 1_000_000_000n);
  return `${(nanos + 999_999n) / 1_000_000n}m`;
}
