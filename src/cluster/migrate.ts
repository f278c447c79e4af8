import type { Clock, Log, Random } from '#base';
import type { Config } from './config-table.ts';

export interface MigrationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of each step, and of long ones every second or so. */
  say(text: string): void;
}

export interface Migration {
  readonly objects: number;
  /** The newest revision of the old store, and the oldest of an object in the new one: every version that a client remembers is older than any that it will be told. */
  readonly oldRevision: number;
  readonly newRevision: number;
}

/**
 * Copies the objects of the SQLite file in the data folder to the etcd of the options, and gives the cluster's authorities and keys to it. The server must be stopped; the
 * file stays as it is. One that was broken off can be run again. Throws StartError for what the user can mend: no file, a server that runs, an etcd that is not empty.
 */
export async function migrateDatastore(config: Config, deps: MigrationDeps): Promise<Migration> {
  const { runMigration } = await import('./migrate-datastore.ts');
  return runMigration(config, deps);
}
