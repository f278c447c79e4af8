import { rm } from 'node:fs/promises';
import { createSystemClock } from '#base';
import type { Ip } from '#host';
import type { Config } from './config-table.ts';
import { pathsOf } from './paths.ts';
import { runningPid } from './start.ts';

const stopMs = 15_000;
const lookMs = 100;
/** What a container gets to end by itself; killing a node is not draining it. */
const podGraceMs = 5_000;

/** Stops the server or agent of this data folder and its pods, and takes everything that they left out of the kernel. Data stays. */
export async function killAll(config: Config, say: (line: string) => void): Promise<void> {
  const paths = pathsOf(config);
  await stopServer(paths.pidFile, say);
  // Loaded here: whatever else imports this room's door must not pay for the whole node agent.
  const { createCgroups, createExec, createIp, createMounts, createNft, createSysctl } = await import('#host');
  const [{ killPods, kubeletDefaults }, { removeOverlay }, { removeProxy }, { runtimePaths }] = await Promise.all([
    import('#kubelet'),
    import('#overlay'),
    import('#proxy'),
    import('./runtime-config.ts'),
  ]);
  const exec = createExec();
  const [ip, nft] = [createIp(exec), createNft(exec)];
  const containerd = runtimePaths(config);
  await killPods({
    containerd,
    kubeletRootDir: paths.kubelet,
    cniStateDir: paths.cniState,
    cgroupRoot: kubeletDefaults.cgroupRoot,
    mounts: createMounts(),
    cgroups: createCgroups(),
    clock: createSystemClock(),
    graceMs: podGraceMs,
    say,
  });
  await removeProxy({ nft, sysctl: createSysctl() });
  await removeOverlay({ ip, nft }, { cniConfDir: containerd.cniConfDir, cniStateDir: paths.cniState });
  await removeDnsAddress(config, ip);
  await rm(paths.run, { recursive: true, force: true });
  say('removed the rules, routes and addresses of the cluster');
}

async function removeDnsAddress(config: Config, ip: Ip): Promise<void> {
  const address = config['cluster-dns'];
  const known = (await ip.addresses()).some(one => one.device === 'lo' && one.address === address);
  if (known) await ip.batch([`address del ${address}/32 dev lo`]);
}

async function stopServer(pidFile: string, say: (line: string) => void): Promise<void> {
  const pid = runningPid(pidFile);
  if (!pid) return;
  const clock = createSystemClock();
  process.kill(pid, 'SIGTERM');
  const untilMs = clock.monotonicMs() + stopMs;
  while (runningPid(pidFile) === pid && clock.monotonicMs() < untilMs) await clock.sleep(lookMs);
  if (runningPid(pidFile) === pid) {
    process.kill(pid, 'SIGKILL');
    say(`process ${pid} did not stop within ${stopMs / 1000} s and was killed`);
  } else say(`stopped process ${pid}`);
}
