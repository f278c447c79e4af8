import type { Clock, Log, Meter, Random, Running } from '#base';
import type { Client, Informers } from '#client';
import { createEventRecorder } from '#client';
import type { ControllerConfig } from './config.ts';
import type { ControllerSpec } from './controller.ts';
import { startController, userOf } from './controller.ts';

export interface ControllersOptions {
  /** Which ones; usually the list of controllers.ts without what the user disabled. */
  specs: readonly ControllerSpec[];
  /** A client that acts as this user: `system:serviceaccount:kube-system:<name>` or `system:kube-controller-manager`. */
  clientOf(user: string): Client;
  /** Shared by all; need the rights of the controller manager (list and watch of everything). */
  informers: Informers;
  config: ControllerConfig;
  clock: Clock;
  random: Random;
  log: Log;
  meter: Meter;
}

/**
 * Starts controllers in order, each under its own identity. When one does not start, those before it are stopped and the failure is passed on. Disposing
 * stops all, last first; the informers are left to their owner.
 */
export async function startControllers(options: ControllersOptions): Promise<Running> {
  const { specs, clientOf, informers, config, clock, random, log, meter } = options;
  await using starting = new AsyncDisposableStack();
  const running: { name: string; one: Running }[] = [];
  for (const spec of specs) {
    const client = clientOf(userOf(spec));
    const component = spec.serviceAccount ?? `${spec.name}-controller`;
    const events = starting.use(createEventRecorder({ client, clock, log: log.child(spec.name), component }));
    const one = await startController(spec, { client, informers, events, config, clock, random, log, meter });
    running.push({ name: spec.name, one: starting.use(one) });
  }
  const started = starting.move();
  return {
    ready() {
      const missing = running.filter(({ one }) => one.ready() !== undefined).map(({ name }) => name);
      return missing.length ? `controllers not ready: ${missing.join(', ')}` : undefined;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
