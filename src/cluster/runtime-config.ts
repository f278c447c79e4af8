import { join } from 'node:path';
import { type ContainerdConfig, kubeletDefaults } from '#kubelet';
import type { Config } from './config-table.ts';
import { pathsOf } from './paths.ts';
import { cniBinDirs, findProgram } from './programs.ts';
import { StartError } from './start-error.ts';

/** Where everything of containerd lies. */
export function runtimePaths(config: Config) {
  const paths = pathsOf(config);
  return {
    rootDir: join(paths.agent, 'containerd'),
    stateDir: join(paths.run, 'containerd'),
    socketPath: paths.containerdSocket,
    configPath: join(paths.agent, 'etc', 'containerd.toml'),
    logPath: join(paths.agent, 'containerd.log'),
    cniConfDir: join(paths.agent, 'etc', 'cni', 'net.d'),
    registriesDir: join(paths.agent, 'etc', 'certs.d'),
  };
}

/** What containerd is started with. Throws StartError for a program that is missing. */
export function runtimeConfig(
  config: Config,
  options: { pauseImage: string; restrictOomScoreAdj: boolean },
): ContainerdConfig {
  return {
    ...runtimePaths(config),
    cniBinDirs: cniBinDirs(config),
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
