import { connect } from 'node:net';
import type { Container, ExecAction, GRPCAction, HTTPGetAction, IntOrString, Probe } from '#api';
import type { Clock } from '#base';
import { type CriRuntime, checkGrpcHealth, isGrpcError } from '#wire';
import { describeError, probeHttp } from './http-probe.ts';
import type { ProbeResult } from './probe-result.ts';

/** Upstream shows this much of what a command said. */
const maxOutputChars = 10 * 1024;

export interface ProbeTarget {
  container: Container;
  containerId: string;
  /** The pod's address; the node's for pods on its network. */
  ip: string;
}

export interface ProbeDeps {
  runtime: CriRuntime;
  clock: Clock;
}

/** One attempt. Never rejects. */
export async function runProbe(probe: Probe, target: ProbeTarget, deps: ProbeDeps): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec) return await probeExec(probe.exec, target, timeoutMs, deps);
    if (probe.httpGet) return await probeHttp({ ...httpTarget(probe.httpGet, target), timeoutMs });
    if (probe.tcpSocket) {
      const port = portOf(probe.tcpSocket.port, target.container);
      return await probeTcp(probe.tcpSocket.host || target.ip, port, timeoutMs);
    }
    if (probe.grpc) return await probeGrpc(probe.grpc, target, timeoutMs, deps);
    return { result: 'unknown', output: `missing probe handler for ${target.container.name}` };
  } catch (error) {
    return { result: 'unknown', output: isGrpcError(error) ? error.grpcText : (error as Error).message };
  }
}

/** A number, or the name of one of the container's ports. Throws RangeError. */
export function portOf(port: IntOrString, container: Container): number {
  if (typeof port === 'number') return check(port);
  const named = container.ports?.find(one => one.name === port)?.containerPort;
  if (named !== undefined) return check(named);
  if (!/^\d+$/.test(port)) throw new RangeError(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`);
  return check(Number(port));
}

function check(port: number): number {
  if (port > 0 && port < 65536) return port;
  throw new RangeError(`invalid port number: ${port}`);
}

/** The request that an httpGet action means, for probes and for hooks. */
export function httpTarget(action: HTTPGetAction, { container, ip }: Pick<ProbeTarget, 'container' | 'ip'>) {
  const host = action.host || ip;
  const port = portOf(action.port, container);
  const path = action.path || '/';
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path.startsWith('/') ? '' : '/'}${path}`;
  const headers = Object.fromEntries(
    (action.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value ?? '']),
  );
  return { url, headers };
}

async function probeExec(
  { command = [] }: ExecAction,
  { containerId }: ProbeTarget,
  timeoutMs: number,
  { runtime }: ProbeDeps,
): Promise<ProbeResult> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, timeoutMs);
    const output = Buffer.concat([stdout, stderr]).toString('utf8').slice(0, maxOutputChars);
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (!isGrpcError(error, 'deadlineExceeded')) throw error;
    return {
      result: 'failure',
      output: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`,
    };
  }
}

export function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const end = (result: ProbeResult) => {
    socket.destroy();
    resolve(result);
  };
  socket.once('connect', () => end({ result: 'success', output: '' }));
  socket.once('timeout', () => end({ result: 'failure', output: `dial tcp ${address}: i/o timeout` }));
  socket.once('error', error => end({ result: 'failure', output: describeError(error, address) }));
  return promise;
}

async function probeGrpc(
  { port, service = '' }: GRPCAction,
  { ip }: ProbeTarget,
  timeoutMs: number,
  { clock }: ProbeDeps,
): Promise<ProbeResult> {
  const address = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  try {
    const status = await checkGrpcHealth({ address, service: service ?? '', timeoutMs, now: () => clock.now() });
    if (status === 'SERVING') return { result: 'success', output: 'service healthy' };
    return { result: 'failure', output: `service unhealthy (responded with "${status}")` };
  } catch (error) {
    if (!isGrpcError(error)) throw error;
    const seconds = timeoutMs / 1000;
    if (error.code === 'unimplemented') {
      return {
        result: 'failure',
        output: 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)',
      };
    }
    if (error.code === 'deadlineExceeded') {
      return { result: 'failure', output: `timeout: health rpc did not complete within ${seconds}s` };
    }
    if (error.code === 'unavailable') {
      return {
        result: 'failure',
        output: `timeout: failed to connect service "${address}" within ${seconds}s: ${error.message}`,
      };
    }
    return { result: 'failure', output: `error: health rpc probe failed: ${error.grpcText}` };
  }
}
