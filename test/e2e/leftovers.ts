/** What a cluster may leave on a machine, as sets of lines that can be compared before and after. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Traces = Readonly<Record<string, readonly string[]>>;

/** Everything of the kernel's state that pods and Services change. */
export function traces(): Traces {
  return {
    processes: processes(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split(' ')[4]!)
      .sort(),
    namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').sort() : [],
    links: readdirSync('/sys/class/net').sort(),
    addresses: lines('ip', '-o', 'addr', 'show', 'dev', 'lo').map(line => line.trim().split(/\s+/)[3]!),
    routes: lines('ip', 'route', 'show', 'table', 'main').sort(),
    tables: lines('nft', 'list', 'tables').sort(),
    cgroups: cgroups(),
    sockets: lines('ss', '-Hlntu')
      .map(line => line.trim().split(/\s+/)[4]!)
      .filter(address => /:(6443|10250|53|30080|8472)$/.test(address))
      .sort(),
  };
}

function lines(command: string, ...args: string[]): string[] {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
  return (result.stdout ?? '').split('\n').filter(Boolean);
}

/** Command lines that have to do with containers or with us; others come and go on a machine. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(pid => {
      try {
        return [
          readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
            .replaceAll('\0', ' ')
            .trim(),
        ];
      } catch {
        return []; // it ended while we looked
      }
    })
    .filter(line => /containerd|runc|\/pause|main\.ts (server|agent)|httpd|redis-server/.test(line))
    .sort();
}

function cgroups(): string[] {
  const found: string[] = [];
  const visit = (folder: string, depth: number) => {
    if (depth > 4) return;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      if (/kubepods|wherry|cri-containerd|k8s\.io/.test(path)) found.push(path);
      visit(path, depth + 1);
    }
  };
  visit('/sys/fs/cgroup', 0);
  return found.sort();
}
