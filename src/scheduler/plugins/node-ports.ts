import { hostPorts } from '../node-state.ts';
import type { SchedulerPlugin } from '../plugin.ts';

/** Two pods cannot take the same port of a node; 0.0.0.0 means every address. */
export const nodePorts: SchedulerPlugin = {
  name: 'NodePorts',
  filter: ({ pod }) => {
    const wanted = hostPorts(pod);
    if (wanted.length === 0) return undefined;
    return {
      check: ({ usedPorts }) =>
        wanted.some(port => conflicts(port, usedPorts))
          ? { reasons: ["node(s) didn't have free ports for the requested pod ports"], final: false }
          : undefined,
    };
  },
};

function conflicts(wanted: string, used: ReadonlySet<string>): boolean {
  const [protocol, address, port] = wanted.split(' ');
  if (used.has(wanted) || used.has(`${protocol} 0.0.0.0 ${port}`)) return true;
  if (address !== '0.0.0.0') return false;
  return [...used].some(taken => taken.startsWith(`${protocol} `) && taken.endsWith(` ${port}`));
}
