import { checkCgroups } from './probe/cgroups.ts';
import type { Finding, ProbeOptions } from './probe/finding.ts';
import { checkClock, checkKernel, checkRights, findOtherSystem } from './probe/kernel.ts';
import { checkLimits } from './probe/limits.ts';
import type { Machine, ProbeDeps } from './probe/machine.ts';
import { createMachine } from './probe/machine.ts';
import { checkForwarding, checkNamespaces, checkNftables, checkVxlan } from './probe/network.ts';
import { checkPorts } from './probe/ports.ts';
import { checkPlugins, checkPrograms } from './probe/programs.ts';
import { checkDisk, checkOverlayfs, checkRootMount, checkSwap } from './probe/storage.ts';

export type { Finding, ProbeOptions, ProbePort } from './probe/finding.ts';
export type { ProbeDeps } from './probe/machine.ts';

/** What each check is about, for the case that it fails itself; in the order in which people read them. */
const checks: readonly (readonly [string, (machine: Machine, options: ProbeOptions) => Promise<Finding[]>])[] = [
  ['kernel', checkKernel],
  ['rights', checkRights],
  ['clock', checkClock],
  ['cgroups', checkCgroups],
  ['overlayfs', checkOverlayfs],
  ['disk', checkDisk],
  ['swap', checkSwap],
  ['mount propagation', checkRootMount],
  ['network namespaces', checkNamespaces],
  ['nftables', checkNftables],
  ['forwarding', checkForwarding],
  ['VXLAN', checkVxlan],
  ['programs', checkPrograms],
  ['CNI plugins', checkPlugins],
  ['limits', checkLimits],
  ['ports', checkPorts],
];

/**
 * What this machine has and lacks for running pods, in a fixed order. Changes nothing that lasts: as root, an overlay mount, a network namespace and a
 * VXLAN device in it are made and are gone again. Ports that this very program listens on already are found in use: ask before starting. Never rejects for
 * what the machine is like; a check that fails itself is a warning.
 */
export async function probeMachine(options: ProbeOptions & ProbeDeps): Promise<Finding[]> {
  const machine = createMachine(options);
  const otherSystem = await findOtherSystem(machine);
  if (otherSystem) return [otherSystem];
  const found = await Promise.all(
    checks.map(([name, check]) => check(machine, options).catch(error => [couldNotCheck(name, error)])),
  );
  return found.flat();
}

function couldNotCheck(name: string, error: unknown): Finding {
  const found = `could not be checked: ${error instanceof Error ? error.message : String(error)}`;
  return { name, state: 'warning', found, remedy: 'see the message; what it is about may be missing' };
}
