import { join } from 'node:path';
import { type ContainerdConfig, kubeletDefaults } from '#kubelet';
import type { Config } from './config-table.ts';
import { pathsOf } from './paths.ts';
import { cniBinDirs, findProgram } from './programs.ts';
import { StartError } from './start-error.ts';

/** What containerd is started with; also tells `wherry killall` where everything lies. Throws StartError for a program that is missing. */
export function runtimeConfig(
  config: Config,
  options: { pauseImage: string; restrictOomScoreAdj: boolean },
): ContainerdConfig {
  const paths = pathsOf(config);
  return {
    rootDir: join(paths.agent, 'containerd'),
    stateDir: join(paths.run, 'containerd'),
    socketPath: paths.containerdSocket,
    configPath: join(paths.agent, 'etc', 'containerd.toml'),
    logPath: join(paths.agent, 'containerd.log'),
    cniConfDir: join(paths.agent, 'etc', 'cni', 'net.d'),
    cniBinDirs: cniBinDirs(config),
    registriesDir: join(paths.agent, 'etc', 'certs.d'),
    cgroupDriver: kubeletDefaults.cgroupDriver,
    snapshotter: 'overlayfs',
    programs: { containerd: program('containerd'), runc: program('runc'), ctr: program('ctr') },
    ...options,
  };
}

function program(name: string): string {
  const found = findProgram(name);
  if (found) return found;
  const packageName = name === 'ctr' ? 'containerd' : name;
  throw new StartError(
    `${name} is not installed, so no pods can run here: install it ("apt-get install ${packageName}"), or start with --disable-agent; "wherry check" tells what else is missing`,
  );
}
