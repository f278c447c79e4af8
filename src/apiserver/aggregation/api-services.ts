import type { APIService } from '#api';
import { resources } from '#api';
import type { ObjectReader } from '../reader.ts';
import { groupVersionOf } from './priorities.ts';

/** The APIServices as the server's own cache shows them, found by what they serve. */
export interface ApiServices extends Disposable {
  /** The one that hands a group version to another server; undefined when it is served here. */
  remoteOf(group: string, version: string): APIService | undefined;
  remotes(): readonly APIService[];
  all(): readonly APIService[];
  /** False on most clusters: nothing more has to be looked at then. */
  readonly hasRemotes: boolean;
  /** Grows with every change. */
  readonly generation: number;
}

/** Follows the stored APIServices; `onChange` is told after each change, also of those that are there already. */
export function followApiServices(
  reader: ObjectReader,
  onChange: (object: APIService, deleted: boolean) => void,
): ApiServices {
  const byName = new Map<string, APIService>();
  const remotes = new Map<string, APIService>();
  let generation = 0;
  const forget = (object: APIService) => {
    const { group, version } = groupVersionOf(object);
    remotes.delete(`${group}/${version}`);
    byName.delete(object.metadata.name!);
  };
  const listening = reader.onChange(resources.apiservices, (object, deleted) => {
    const before = byName.get(object.metadata.name!);
    if (before) forget(before);
    if (!deleted) {
      byName.set(object.metadata.name!, object);
      const { group, version } = groupVersionOf(object);
      if (object.spec.service) remotes.set(`${group}/${version}`, object);
    }
    generation++;
    onChange(object, deleted);
  });
  return {
    remoteOf: (group, version) => remotes.get(`${group}/${version}`),
    remotes: () => [...remotes.values()],
    all: () => [...byName.values()],
    get hasRemotes() {
      return remotes.size > 0;
    },
    get generation() {
      return generation;
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}

export function isAvailable({ status }: APIService): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === 'Available' && value === 'True');
}
