import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Exec, Nft } from '#host';
import { createExec, createExecSysctl, createNft } from '#host';

const host = createExec();

export const run = async (exec: Exec, line: string): Promise<string> => {
  const [program = '', ...args] = line.split(' ');
  return (await exec.run({ program, args })).stdout;
};

/** Why this machine cannot run kernel tests; undefined when it can. */
export async function findObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  const name = `wherry-try-${randomBytes(3).toString('hex')}`;
  try {
    await run(host, `ip netns add ${name}`);
    const exec = createExec({ prefix: ['ip', 'netns', 'exec', name] });
    await exec.run({
      program: 'nft',
      args: ['-f', '-'],
      input: 'add table ip try\nadd chain ip try post { type nat hook postrouting priority 100; }\n',
    });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await run(host, `ip netns delete ${name}`).catch(() => undefined); // was never made
  }
}

/** A namespace on the wire. */
export interface Place {
  name: string;
  address: string;
  exec: Exec;
}

/** Answers TCP and UDP on its ports with its name and the address that it is asked from. */
const server = `
  const [name, address, ...ports] = process.argv.slice(1);
  let open = 0;
  const opened = () => ++open === 2 * ports.length && console.log('listening');
  for (const port of ports) {
    require('node:net').createServer(socket => {
      socket.on('error', () => undefined).end(name + ' ' + socket.remoteAddress);
    }).listen(Number(port), address, opened);
    const udp = require('node:dgram').createSocket('udp4');
    udp.on('message', (_, from) => udp.send(name + ' ' + from.address, from.port, from.address)).bind(Number(port), address, opened);
  }`;

/** Asks so many times, one after the other, and prints what came back or went wrong, a line each. */
const asker = `
  const [protocol, host, port, count, timeoutMs] = process.argv.slice(1);
  const tcp = () => new Promise(resolve => {
    const socket = require('node:net').connect({ host, port: Number(port) });
    let text = '';
    socket.on('data', data => text += data).on('end', () => resolve(text)).on('error', error => resolve(error.code));
    socket.setTimeout(Number(timeoutMs), () => socket.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
  });
  const udp = () => new Promise(resolve => {
    const socket = require('node:dgram').createSocket('udp4');
    const end = text => { clearTimeout(timer); socket.close(); resolve(text); };
    const timer = setTimeout(() => end('TIMEOUT'), Number(timeoutMs));
    socket.on('message', data => end(String(data))).on('error', error => end(error.code));
    socket.connect(Number(port), host, () => socket.send('?'));
  });
  (async () => {
    for (let times = 0; times < Number(count); times++) console.log(await (protocol === 'tcp' ? tcp() : udp()));
  })();`;

/** Sends a packet from one and the same UDP port for every line that it reads, and prints the answer. */
const talker = `
  const [host, port] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket('udp4').bind();
  socket.on('message', data => console.log(String(data)));
  require('node:readline').createInterface({ input: process.stdin }).on('line', () => socket.send('?', Number(port), host));`;

export interface Question {
  protocol?: 'tcp' | 'udp';
  host: string;
  port: number;
  count?: number;
  timeoutMs?: number;
}

/** The answers, oldest first: `name address`, or an error code. */
export async function ask(from: Place, { protocol = 'tcp', host, port, count = 1, timeoutMs = 5000 }: Question) {
  const args = ['-e', asker, protocol, host, ...[port, count, timeoutMs].map(String)];
  const { stdout } = await from.exec.run({ program: process.execPath, args, timeoutMs: 60_000 });
  return stdout.trim().split('\n');
}

/** The node, pods on it, and a client outside the cluster, each a namespace that is gone with the world. */
export async function createWorld() {
  const id = randomBytes(3).toString('hex');
  const stack = new AsyncDisposableStack();
  const place = async (name: string, address: string): Promise<Place> => {
    const full = `wherry-${id}-${name}`;
    await run(host, `ip netns add ${full}`);
    stack.defer(async () => void (await run(host, `ip netns delete ${full}`)));
    await run(host, `ip -n ${full} link set lo up`);
    return { name: full, address, exec: createExec({ prefix: ['ip', 'netns', 'exec', full] }) };
  };
  const lines = async ({ exec }: Place, ...all: string[]) => {
    for (const line of all) await run(exec, line);
  };
  const node = await place('node', '192.168.7.1');
  const client = await place('client', '192.168.7.2');
  await run(host, `ip -n ${node.name} link add eth0 type veth peer name eth0 netns ${client.name}`);
  await lines(
    node,
    'ip address add 192.168.7.1/24 dev eth0',
    'ip link set eth0 up',
    'sysctl -qw net.ipv4.ip_forward=1',
    'ip link add away type veth peer name nowhere',
    'ip link set away up',
    'ip link set nowhere up',
    // Without a route for it the kernel refuses a cluster IP before any rule sees it.
    'ip route add default dev away',
  );
  await lines(
    client,
    'ip address add 192.168.7.2/24 dev eth0',
    'ip link set eth0 up',
    'ip route add default via 192.168.7.1',
  );
  /** As the ptp plugin plugs pods. */
  const pod = async (name: string, address: string) => {
    const made = await place(name, address);
    const port = `port-${name}`;
    await run(host, `ip -n ${made.name} link add eth0 type veth peer name ${port} netns ${node.name}`);
    await lines(
      made,
      `ip address add ${address}/32 dev eth0`,
      'ip link set eth0 up',
      'ip route add 10.42.0.1 dev eth0',
    );
    await lines(made, 'ip route add default via 10.42.0.1');
    await lines(node, `ip address add 10.42.0.1/32 dev ${port}`, `ip link set ${port} up`);
    await lines(node, `ip route add ${address}/32 dev ${port}`);
    return made;
  };
  const start = (where: Place, script: string, args: readonly string[]): ChildProcess => {
    const child = spawn('ip', ['netns', 'exec', where.name, process.execPath, '-e', script, ...args]);
    stack.defer(async () => {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    });
    return child;
  };
  return {
    ...{ node, client, pod, stack },
    /** Resolves when it listens, by TCP and UDP. */
    async serve(where: Place, name: string, ports: readonly number[], address = '0.0.0.0') {
      await once(start(where, server, [name, address, ...ports.map(String)]).stdout!, 'data');
    },
    /** A client that keeps its UDP port: each call is a packet and its answer. */
    talk(where: Place, to: string, port: number) {
      const child = start(where, talker, [to, String(port)]);
      return async () => {
        const answer = once(child.stdout!, 'data', { signal: AbortSignal.timeout(5000) });
        child.stdin!.write('\n');
        return String((await answer)[0]).trim();
      };
    },
    sysctl: createExecSysctl(node.exec),
    nft: watchTransactions(createNft(node.exec)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The same, and tells when a transaction that says something is in the kernel. */
function watchTransactions(nft: Nft) {
  const done: string[] = [];
  const waiting = new Set<() => void>();
  return {
    ...nft,
    async run(text: string) {
      await nft.run(text);
      done.push(text);
      for (const look of waiting) look();
    },
    /** Resolves when a transaction matches that was done after the last one that this resolved for; rejects after 10 s. */
    async applied(pattern: RegExp): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => {
        const index = done.findIndex(text => pattern.test(text));
        if (index < 0) return;
        done.splice(0, index + 1);
        resolve();
      };
      const timeout = AbortSignal.timeout(10_000);
      timeout.addEventListener('abort', () =>
        reject(new Error(`no transaction ${pattern} among ${done.join('---\n')}`)),
      );
      waiting.add(look);
      look();
      await promise.finally(() => waiting.delete(look));
    },
  };
}
