import { CommandError, type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry token show|create|list|delete`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals, own } = await readOptions(invocation, { ttl: 'string', description: 'string' });
  const { openAdmin, serverToken } = await import('#cluster');
  const [action, id] = positionals;
  if (action === 'show') {
    invocation.stdout(`${serverToken(config)}\n`);
    return 0;
  }
  if (!['create', 'list', 'delete'].includes(action ?? ''))
    throw new UsageError('say what to do: show, create, list or delete');
  const ttlMs = parseTtl(own['ttl'] ?? '24h');
  await using admin = openAdmin(config);
  if (action === 'create') {
    invocation.stdout(`${await admin.createToken({ ttlMs, description: String(own['description'] ?? '') })}\n`);
  } else if (action === 'list') {
    for (const token of await admin.tokens())
      invocation.stdout(`${token.id}  ${token.expires?.toISOString() ?? 'never expires'}  ${token.description}\n`);
  } else {
    if (!id) throw new UsageError('token delete: name the id, the six characters before the dot');
    if (!(await admin.deleteToken(id)))
      throw new CommandError(`there is no token ${id}; "wherry token list" shows them`);
  }
  return 0;
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `30m`; `0` lasts for ever. */
function parseTtl(text: string | boolean): number | undefined {
  if (text === '0') return undefined;
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(String(text)) ?? [];
  if (!amount) throw new UsageError(`--ttl ${text}: write a time such as 30m or 24h, or 0 for no end`);
  return Number(amount) * units[unit!]!;
}
