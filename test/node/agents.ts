/** Further nodes on this machine: each in a network namespace, on one bridge with the server. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, wherry } from '../../tools/server.ts';

const bridge = 'wherry-test0';
const [prefix, length] = ['10.98.77', 24];
export const serverAddress = `${prefix}.1`;

export interface Agent extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly dataFolder: string;
  start(options: { server: string; token: string }): void;
  stop(signal: NodeJS.Signals): Promise<void>;
  log(): string;
}

/** The bridge that the server and its agents are on. */
export function makeBridge(): Disposable {
  const remove = () => spawnSync('ip', ['link', 'delete', bridge], { stdio: 'ignore' });
  remove();
  run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  run('ip', ['address', 'add', `${serverAddress}/${length}`, 'dev', bridge]);
  run('ip', ['link', 'set', bridge, 'up']);
  return { [Symbol.dispose]: remove };
}

/** A machine named `n<number>` on the bridge, with the images of examples/busybox and nothing running. */
export function makeAgent(number: number): Agent {
  const name = `n${number}`;
  const address = `${prefix}.${10 + number}`;
  const namespace = `wherry-test-${name}`;
  const dataFolder = mkdtempSync(join(tmpdir(), `wherry-${name}-`));
  addMachine({ namespace, address, link: `wherry-t${number}` });
  mkdirSync(join(dataFolder, 'agent', 'images'), { recursive: true });
  copyFileSync(join(root, 'build', 'images', 'busybox.tar'), join(dataFolder, 'agent', 'images', 'busybox.tar'));
  const logPath = join(dataFolder, 'agent.log');
  let child: ChildProcess | undefined;
  const agent: Agent = {
    ...{ name, address, dataFolder },
    start({ server, token }) {
      const log = openSync(logPath, 'a');
      const args = ['--server', server, '--token', token, '--node-name', name, '--node-ip', address];
      child = spawn('nsenter', inside(namespace, ['agent', '--data-dir', dataFolder, ...args]), {
        stdio: ['ignore', log, log],
      });
      closeSync(log);
    },
    async stop(signal) {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
    log: () => readFileSync(logPath, 'utf8'),
    async [Symbol.asyncDispose]() {
      spawnSync('nsenter', inside(namespace, ['killall', '--data-dir', dataFolder]), { stdio: 'inherit' });
      await agent.stop('SIGKILL');
      spawnSync('ip', ['netns', 'delete', namespace]);
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
  return agent;
}

/** Not `ip netns exec`, which gives a mount namespace too: volumes mounted in that are not seen by containers. */
const inside = (namespace: string, args: readonly string[]) => [`--net=/run/netns/${namespace}`, wherry, ...args];

function addMachine({ namespace, address, link }: { namespace: string; address: string; link: string }): void {
  spawnSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
  run('ip', ['netns', 'add', namespace]);
  run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  run('ip', ['link', 'set', link, 'master', bridge, 'up']);
  run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  run('ip', ['-n', namespace, 'address', 'add', `${address}/${length}`, 'dev', 'eth0']);
  run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  run('ip', ['-n', namespace, 'route', 'add', 'default', 'via', serverAddress]);
}

/** Runs `wherry agent` on a machine until it ends by itself; gives its exit code and what it said, without the lines of the start. */
export function tryToJoin(
  agent: Agent,
  args: readonly string[],
  seconds = 20,
): { status: number | null; said: string } {
  const dataFolder = mkdtempSync(join(tmpdir(), 'wherry-refused-'));
  try {
    const command = inside(`wherry-test-${agent.name}`, [
      'agent',
      '--data-dir',
      dataFolder,
      '--node-ip',
      agent.address,
    ]);
    const { status, stderr } = spawnSync('nsenter', [...command, ...args], {
      encoding: 'utf8',
      timeout: seconds * 1000,
    });
    const said = stderr.split('\n').filter(line => !/ info .*starting/.test(line));
    return { status, said: said.join('\n').trim() };
  } finally {
    // One that was taken in spite of all has left more than files.
    spawnSync('nsenter', inside(`wherry-test-${agent.name}`, ['killall', '--data-dir', dataFolder]), {
      stdio: 'ignore',
    });
    rmSync(dataFolder, { recursive: true, force: true });
  }
}
