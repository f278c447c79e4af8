import { internalError, invalid } from '../access/refuse.ts';
import { canonicalAddress, type IpFamily } from './address-range.ts';
import type { AllocationState, Task } from './allocation-state.ts';
import { wrong } from './service-families.ts';

/** Gives a Service the cluster addresses that it lacks. Throws 422 and 500 in upstream's words. */
export function allocateAddresses(state: AllocationState, task: Task): void {
  const { service, old } = task;
  const { spec } = service;
  if (spec.type === 'ExternalName') return;
  if (spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') {
    if (spec.clusterIP === 'None') spec.clusterIPs ??= ['None'];
    return;
  }
  const before = old?.spec.type === 'ExternalName' ? [] : (old?.spec.clusterIPs ?? []);
  if (before[0] === 'None') return;
  const wanted = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [...before];
  const addresses = (spec.ipFamilies ?? []).map((family, index) => {
    const given = wanted[index] || before[index];
    if (given !== undefined && before.includes(given)) return given;
    return given ? takeAddress(state, task, { address: given, all: wanted }) : takeAny(state, task, family as IpFamily);
  });
  spec.clusterIPs = addresses;
  const [first] = addresses;
  if (first !== undefined) spec.clusterIP = first;
}

export function isAddressTaken({ addresses, foreign }: AllocationState, address: string): boolean {
  return addresses.has(address) || foreign.has(address);
}

/** The refusal of an address that the user chose. */
export function refuseAddress(name: string, address: string, { all, why }: { all: readonly string[]; why: string }) {
  const cause = wrong('spec.clusterIPs', all, `failed to allocate IP ${address}: ${why}`);
  return invalid({ group: '', kind: 'Service' }, name, [cause]);
}

/** An address that the user chose. Malformed ones are left to validation. */
function takeAddress(
  state: AllocationState,
  task: Task,
  { address, all }: { address: string; all: readonly string[] },
): string {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return address;
  const refuse = (why: string) => refuseAddress(task.service.metadata.name, address, { all, why });
  if (!state.ranges.readyFor(canonical)) throw refuse('the provided network does not match the current range');
  if (isAddressTaken(state, canonical)) throw refuse('provided IP is already allocated');
  state.addresses.take(canonical, task.request);
  task.taken.addresses.push(canonical);
  return address;
}

function takeAny(state: AllocationState, task: Task, family: IpFamily): string {
  const taken = state.addresses.count + state.foreign.size;
  for (const range of state.ranges.ready(family)) {
    const address = range.pick(candidate => isAddressTaken(state, candidate), taken);
    if (address === undefined) continue;
    state.addresses.take(address, task.request);
    task.taken.addresses.push(address);
    return address;
  }
  throw internalError('failed to allocate a serviceIP: range is full');
}
