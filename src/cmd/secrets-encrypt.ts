import type { Config, EncryptionStatus } from '#cluster';
import { CommandError, type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

const keyTypes: Readonly<Record<string, string>> = {
  aescbc: 'AES-CBC',
  aesgcm: 'AES-GCM',
  secretbox: 'XSalsa20-POLY1305',
};

/** `wherry secrets-encrypt status|enable|disable|prepare|rotate|reencrypt|rotate-keys`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals, own } = await readOptions(invocation, {
    ...{ output: 'string', force: 'boolean', skip: 'boolean' },
  });
  const { encryptionActions } = await import('#cluster');
  const [action] = positionals;
  if (action === 'status') {
    const status = await ask(config);
    invocation.stdout(own['output'] === 'json' ? `${JSON.stringify(status, undefined, 2)}\n` : describe(status));
    return 0;
  }
  if (!encryptionActions.includes(action as (typeof encryptionActions)[number])) {
    throw new UsageError(`say what to do: status, ${encryptionActions.join(', ')}`);
  }
  const status = await ask(config, { action, force: own['force'] === true, skip: own['skip'] === true });
  invocation.stdout(`${done[action!]}${status.rewritten === undefined ? '' : `; ${status.rewritten} written anew`}\n`);
  return 0;
}

const done: Readonly<Record<string, string>> = {
  enable: 'secrets are encrypted from now on; "secrets-encrypt reencrypt --force" encrypts those that are there',
  disable:
    'secrets are stored as they are from now on; "secrets-encrypt reencrypt --force" decrypts those that are there',
  prepare: 'a new key is there for reading',
  rotate: 'the new key writes from now on',
  reencrypt: 'finished',
  'rotate-keys': 'a new key writes and the old ones are gone',
};

async function ask(config: Config, action?: object): Promise<EncryptionStatus> {
  const { openAdmin } = await import('#cluster');
  await using admin = openAdmin(config);
  const { status, body } = await admin.secretsEncryption(action);
  if (status === 200) return body as EncryptionStatus;
  throw new CommandError((body as { message?: string }).message ?? `the server answers ${status}`);
}

function describe({ status, stage, hash, keys }: EncryptionStatus): string {
  if (status === 'file') return 'Encryption Status: set by encryption-provider-config\n';
  if (!stage) return 'Encryption Status: Disabled, no configuration file found\n';
  const rows = keys.map(({ provider, name, isActive }) => [isActive ? ' *' : '', keyTypes[provider] ?? provider, name]);
  const table = [['Active', 'Key Type', 'Name'], ['------', '--------', '----'], ...rows];
  const width = (column: number) => Math.max(...table.map(row => row[column]!.length));
  const lines = table.map(([active, type, name]) => `${active!.padEnd(width(0))}  ${type!.padEnd(width(1))}  ${name}`);
  return [
    `Encryption Status: ${status}`,
    `Current Rotation Stage: ${stage}`,
    `Server Encryption Hashes: ${hash?.slice(0, 12)}`,
    '',
    ...lines,
    '',
  ].join('\n');
}
