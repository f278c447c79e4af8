import { createLog, createRandom, createSystemClock, formatLogText } from '#base';
import { type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry datastore migrate`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals } = await readOptions(invocation);
  if (positionals[0] !== 'migrate') throw new UsageError('say what to do: migrate');
  const { migrateDatastore } = await import('#cluster');
  const clock = createSystemClock();
  const log = createLog({
    level: config['log-level'] as 'info',
    now: clock.now,
    write: record => invocation.stderr(formatLogText(record)),
  });
  const say = (text: string) => invocation.stdout(`${text}\n`);
  const { objects, newRevision } = await migrateDatastore(config, { clock, random: createRandom(), log, say });
  say(`moved ${objects} objects; the oldest is at revision ${newRevision}`);
  say('start the server with the same datastore options; the SQLite file stays where it is, as a copy of this moment');
  return 0;
}
