/** What several measurements ask of the API. */
import { readFileSync } from 'node:fs';
import { type Answer, type Call, openSession, send, type Target } from './load.ts';

export const configMaps = '/api/v1/namespaces/default/configmaps';

export const configMap = (name: string, sizeBytes: number) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: 'x'.repeat(sizeBytes) } });

/** One call on a connection of its own; throws when it is refused. */
export async function call(target: Target, request: Call): Promise<Answer> {
  const session = await openSession(target);
  const answer = await send(session, { ...request, keep: true });
  session.close();
  if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.text()}`);
  return answer;
}

/** Processor time of a process so far: user and system of proc_pid_stat(5), in its ticks of 10 ms. */
export function processorUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export function countByte(chunk: Buffer, byte: number): number {
  let count = 0;
  for (let at = chunk.indexOf(byte); at >= 0; at = chunk.indexOf(byte, at + 1)) count++;
  return count;
}
