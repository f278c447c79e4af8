/** How conformance tests are written: each under its upstream name, in a namespace of its own, against a server that all share. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missingForPods, type Server } from '../e2e/fixture.ts';
import type { Api } from './api.ts';

/** What a test is given. */
export interface World {
  readonly api: Api;
  readonly server: Server;
  /** Made for this test, deleted after it. */
  readonly namespace: string;
  /** `/api/v1/namespaces/<namespace>/<resource>`, or that of a group: `inNamespace('deployments', 'apps/v1')`. */
  inNamespace(resource: string, groupVersion?: string): string;
  /** A name that no other test has, for what has no namespace. */
  unique(name: string): string;
  /** kubectl in the test's namespace; gives what it printed, fails the test when it fails. `input` for `-f -`. */
  kubectl(args: readonly string[], input?: unknown): Promise<string>;
  /** Runs after the test, the last first, whatever became of it. */
  cleanUp(work: () => unknown): void;
}

export interface ConformanceOptions {
  /** Needs pods that really run. */
  readonly pods?: boolean;
}

export interface Suite {
  /** `name` is upstream's, without `[Conformance]` at its end. */
  conformance(name: string, run: (world: World) => Promise<void>, options?: ConformanceOptions): void;
}

/** What each file of this folder exports: declares its tests. */
export type Register = (suite: Suite) => void;

interface Shared {
  readonly server: Server;
  readonly api: Api;
  readonly hasPods: boolean;
}

let counter = 0;

/** Declares all tests over a server that `shared` gives once it stands. */
export function runSuites(
  title: string,
  registers: readonly Register[],
  shared: () => Shared,
  missing?: string | undefined,
): void {
  describe(title, { concurrency: 4, skip: missing ?? false }, () => {
    const suite: Suite = {
      conformance(name, run, options = {}) {
        test(name, { timeout: 120_000 }, async t => {
          const { server, api, hasPods } = shared();
          if (options.pods && !hasPods) return t.skip(missingForPods() ?? 'runs with a node only');
          await using cleanup = new AsyncDisposableStack();
          const namespace = `c${process.pid}-${counter++}`;
          await api.create('/api/v1/namespaces', { metadata: { name: namespace, labels: { conformance: 'true' } } });
          cleanup.defer(async () => void (await api.delete(`/api/v1/namespaces/${namespace}`)));
          await serviceAccountOf(api, namespace);
          await run({
            ...{ api, server, namespace },
            inNamespace: (resource, groupVersion = 'v1') =>
              `/${groupVersion === 'v1' ? 'api' : 'apis'}/${groupVersion}/namespaces/${namespace}/${resource}`,
            async kubectl(args, input) {
              const text = input === undefined ? undefined : JSON.stringify(input);
              const { status, stdout, stderr } = await server.runKubectl(['-n', namespace, ...args], text);
              assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
              return stdout;
            },
            unique: text => `${text}-${namespace}`,
            cleanUp: work => cleanup.defer(async () => void (await work())),
          });
        });
      },
    };
    for (const register of registers) register(suite);
  });
}

/** Pods cannot be made before it is there. */
async function serviceAccountOf(api: Api, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  await eventually('the default service account', async () => (await api.send({ path })).status === 200);
}

/** Asks until it holds; for what has no watch. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 30): Promise<T> {
  const untilMs = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > untilMs) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
