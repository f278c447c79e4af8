import type { Exec } from '#host';
import type { Ruleset, UdpFrontend } from './rules.ts';

/** A UDP flow as the kernel remembers it: where it was sent, and who is expected to answer. */
export interface Flow {
  destination: string;
  port: number;
  answering: string;
}

/** Frontends whose answering endpoints are not what they were. Those that nobody answers are left alone, as upstream: packets are refused anyway. */
export function changedFrontends(before: Ruleset, after: Ruleset): UdpFrontend[] {
  return [...after.udp]
    .filter(([key, { answering }]) => answering.length && before.udp.get(key)?.answering.join() !== answering.join())
    .map(([, frontend]) => frontend);
}

/** Reads what `conntrack -L` prints; lines that are no flow are passed over. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap(line => {
    const [sent, back] = [...line.matchAll(/src=(\S+) dst=(\S+) sport=\d+ dport=(\d+)/g)];
    return sent && back ? [{ destination: sent[2]!, port: Number(sent[3]), answering: back[1]! }] : [];
  });
}

/** Flows to a frontend that go to nobody who answers there, each kind once. */
export function planStaleFlows(flows: readonly Flow[], frontends: readonly UdpFrontend[]): Flow[] {
  const answering = new Map(frontends.map(one => [`${one.address ?? '*'}:${one.port}`, new Set(one.answering)]));
  const stale = flows.filter(flow => {
    const wanted = answering.get(`${flow.destination}:${flow.port}`) ?? answering.get(`*:${flow.port}`);
    return wanted && !wanted.has(flow.answering);
  });
  return [...new Map(stale.map(flow => [Object.values(flow).join(' '), flow])).values()];
}

const family = ['-f', 'ipv4', '-p', 'udp'];

/**
 * Makes the kernel forget the UDP flows that still go to endpoints that are gone: a client that never pauses would else lose its packets for ever.
 * Answers how many kinds of flows there were. Rejects with CommandError, `missing` when conntrack is not installed.
 */
export async function removeStaleFlows(exec: Exec, frontends: readonly UdpFrontend[]): Promise<number> {
  if (!frontends.length) return 0;
  const { stdout } = await exec.run({ program: 'conntrack', args: ['-L', ...family] });
  const stale = planStaleFlows(parseFlows(stdout), frontends);
  for (const { destination, port, answering } of stale) {
    const which = ['--orig-dst', destination, '--orig-port-dst', String(port), '--reply-src', answering];
    try {
      await exec.run({ program: 'conntrack', args: ['-D', ...family, ...which] });
    } catch (error) {
      // Exit code 1 with this text: the flow ended by itself in the meantime.
      if (!(error instanceof Error && error.message.includes('0 flow entries have been deleted'))) throw error;
    }
  }
  return stale.length;
}
