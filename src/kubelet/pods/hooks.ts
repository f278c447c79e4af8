import type { Container, LifecycleHandler } from '#api';
import type { Clock } from '#base';
import type { CriRuntime } from '#wire';
import { probeHttp } from '../probes/http-probe.ts';
import { httpTarget, portOf, probeTcp } from '../probes/run-probe.ts';

export interface HookTarget {
  container: Container;
  containerId: string;
  ip: string;
}

/** Runs a lifecycle hook to its end; rejects with what went wrong. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  options: { runtime: CriRuntime; clock: Clock; timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const { timeoutMs, runtime, clock, signal } = options;
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, timeoutMs);
    if (exitCode === 0) return;
    const output = Buffer.concat([stdout, stderr]).toString('utf8');
    throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
  }
  if (handler.httpGet) {
    const answer = await probeHttp({ ...httpTarget(handler.httpGet, target), timeoutMs });
    if (answer.result !== 'success') throw new Error(answer.output);
  } else if (handler.tcpSocket) {
    const { host, port } = handler.tcpSocket;
    const answer = await probeTcp(host || target.ip, portOf(port, target.container), timeoutMs);
    if (answer.result !== 'success') throw new Error(answer.output);
  } else if (handler.sleep) {
    await clock.sleep(Math.min(timeoutMs, (handler.sleep.seconds ?? 0) * 1000), signal);
  }
}
