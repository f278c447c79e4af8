import type { KubeObject } from '#api';
import type { LogRecord } from '#base';
import { createMeter } from '#base';
import type { FakeClock } from '#base/testing';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import type { ComponentDeps, EventText } from '../deps.ts';
import { createInformers } from '../informers.ts';
import type { FakeClient } from './fake-client.ts';
import { createFakeClient } from './fake-client.ts';

export interface FakeDeps extends ComponentDeps, AsyncDisposable {
  client: FakeClient;
  clock: FakeClock;
  log: ComponentDeps['log'] & { records: LogRecord[] };
  /** What was recorded, oldest first; nothing is written to the client. */
  recorded: (EventText & { about: string })[];
}

/** Everything a component is handed, over one fake client. Disposing ends the informers. */
export function createFakeDeps(objects: readonly KubeObject[] = []): FakeDeps {
  const [clock, random, log] = [createFakeClock(), createFakeRandom(), createRecordingLog()];
  const client = createFakeClient(objects, { clock, random });
  const informers = createInformers({ client, clock, log, random });
  const recorded: FakeDeps['recorded'] = [];
  const events: ComponentDeps['events'] = {
    record: (about, event) => {
      const { namespace, name } = about.metadata;
      recorded.push({ ...event, about: `${about.kind} ${namespace ? `${namespace}/` : ''}${name}` });
    },
  };
  return {
    ...{ client, informers, events, clock, random, log, meter: createMeter(), recorded },
    [Symbol.asyncDispose]: () => informers[Symbol.asyncDispose](),
  };
}

/** Lets everything that needs no time pass run to its end: some turns of the event loop. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>(resolve => setImmediate(resolve));
}
