/** What the whole-system tests of pods and Services share: manifests from a folder, and short ways to look at pods. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { eventually, missingForPods, type Server, startServer } from '../e2e/fixture.ts';

export { eventually };
export const skip = missingForPods() ?? false;

/** Short words for one server. Every word fails the test when kubectl fails. */
export interface Words {
  server: Server;
  k(...args: string[]): string;
  /** Applies `manifests/<name>.yaml`, with `FOLDER` in it replaced by the server's data folder and `NODE_NAME` by the node's name. */
  applyFile(name: string): string;
  /** `kubectl wait` for the Ready condition of each pod. */
  ready(...pods: string[]): void;
  /** `kubectl wait` until the pod's phase is this. */
  phase(pod: string, phase: string): void;
  /** What the shell in the pod's first container (or the one named after a slash) prints, without the last newline. */
  sh(pod: string, script: string): string;
  /** What the container has printed, in lines; `pod` or `pod/container`. */
  lines(pod: string): string[];
  /** One field, with the braces and dots of `-o jsonpath`. */
  field(object: string, path: string): string;
  /** `type reason message` of the events about the object, in no order. */
  events(name: string): string[];
  /** Waits until an event about the object matches. */
  untilEvent(name: string, pattern: RegExp, seconds?: number): Promise<string>;
}

export async function startWords(options: { args?: readonly string[] } = {}): Promise<Words> {
  const server = await startServer({ node: true, ...options });
  const k = server.kubectl;
  const container = (pod: string) => {
    const [name, one] = pod.split('/');
    return one ? [name!, '-c', one] : [name!];
  };
  const events = (name: string) => {
    const path = '{range .items[*]}{.type} {.reason} {.message}{"\\x00"}{end}';
    const printed = k('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', `jsonpath=${path}`);
    return printed.split('\0').filter(line => line !== '');
  };
  return {
    server,
    k,
    events,
    applyFile(name) {
      const text = readFileSync(join(import.meta.dirname, 'manifests', `${name}.yaml`), 'utf8');
      return server.apply(text.replaceAll('FOLDER', server.dataFolder).replaceAll('NODE_NAME', hostname()));
    },
    ready(...pods) {
      const args = ['wait', '--for=condition=Ready', ...pods.map(name => `pod/${name}`), '--timeout=60s'];
      const { status, stderr } = server.tryKubectl(args);
      if (status === 0) return;
      const late = [...stderr.matchAll(/pods\/(\S+)/g)].map(match => k('describe', 'pod', match[1]!));
      throw new Error(`${stderr}\n${late.join('\n')}\n${server.log().slice(-3000)}`);
    },
    phase(pod, phase) {
      k('wait', `--for=jsonpath={.status.phase}=${phase}`, `pod/${pod}`, '--timeout=90s');
    },
    sh: (pod, script) => k('exec', ...container(pod), '--', 'sh', '-c', script).trimEnd(),
    lines: pod =>
      k('logs', ...container(pod))
        .trimEnd()
        .split('\n'),
    field: (object, path) => k('get', object, '-o', `jsonpath=${path}`),
    untilEvent(name, pattern, seconds = 60) {
      return eventually(
        `an event of ${name} like ${pattern}`,
        () => events(name).find(line => pattern.test(line)),
        seconds,
      );
    },
  };
}
