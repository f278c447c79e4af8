import { createIp, IpError } from '../ip.ts';
import type { Finding, ProbeOptions, ProbePort } from './finding.ts';
import type { Machine } from './machine.ts';

/** Each port is listened on for a moment. */
export async function checkPorts(machine: Machine, { ports }: ProbeOptions): Promise<Finding[]> {
  return Promise.all(ports.map(port => checkPort(machine, port)));
}

async function checkPort(machine: Machine, need: ProbePort): Promise<Finding> {
  const { port, protocol, purpose } = need;
  const name = `port ${port}/${protocol}`;
  const hindered = await machine.listen(port, protocol);
  if (!hindered) return { name, state: 'ok', found: `free, for ${purpose}` };
  if (hindered !== 'EADDRINUSE') {
    const remedy = `allow this program to listen on it: it is for ${purpose}`;
    return { name, state: 'missing', found: `cannot be listened on: ${hindered}`, remedy };
  }
  const device = protocol === 'udp' ? await findTunnel(machine, port) : undefined;
  if (device && device === need.device)
    return { name, state: 'ok', found: `held by our device ${device}, for ${purpose}` };
  if (device) {
    const remedy = `remove that device (ip link delete ${device}): the port is for ${purpose}`;
    return { name, state: 'missing', found: `in use by device ${device}`, remedy };
  }
  const remedy = `end the program that has it (ss -l${protocol[0]}np 'sport = :${port}'): the port is for ${purpose}`;
  return { name, state: 'missing', found: 'in use', remedy };
}

/** The kernel listens for VXLAN devices; no program shows up for that. */
async function findTunnel({ exec }: Machine, port: number): Promise<string | undefined> {
  try {
    const links = await createIp(exec).links();
    return links.find(({ kind, kindOptions }) => kind === 'vxlan' && kindOptions['port'] === port)?.name;
  } catch (error) {
    if (error instanceof IpError) return undefined; // the finding on ip tells why
    throw error;
  }
}
