import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Config,
  type ConfigSource,
  configEntries,
  configTable,
  environmentName,
  environmentSource,
  nearestHint,
  resolveConfig,
} from '#cluster';
import { CommandError, type Invocation, UsageError } from './command.ts';

export const defaultConfigFile = '/etc/wherry/config.yaml';

export interface Options {
  config: Config;
  /** Arguments that are no flags. */
  positionals: string[];
  /** Flags of the command itself, beside those of the configuration table. */
  own: Record<string, string | boolean | undefined>;
}

/**
 * Reads flags, environment and the configuration file, in this order of strength. `own` names flags of the command beside the table's.
 * Throws UsageError for an unknown flag (naming the nearest), ConfigError for a bad value.
 */
export async function readOptions(
  invocation: Invocation,
  own: Record<string, 'string' | 'boolean'> = {},
): Promise<Options> {
  const { values, positionals } = parseFlags(invocation.args, own);
  const file =
    typeof values['config'] === 'string' ? values['config'] : (invocation.environment['WHERRY_CONFIG'] ?? undefined);
  const isTable = (name: string) => name in configTable;
  const flags: ConfigSource = {
    describe: name => `--${name}`,
    values: Object.fromEntries(Object.entries(values).filter(([name]) => isTable(name))),
  };
  const config = resolveConfig([...(await fileSources(file)), environmentSource(invocation.environment), flags]);
  const rest = Object.entries(values).filter(([name]) => !isTable(name));
  return { config, positionals, own: Object.fromEntries(rest) as Options['own'] };
}

function parseFlags(args: readonly string[], own: Record<string, 'string' | 'boolean'>) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }> = {
    config: { type: 'string', short: 'c' },
  };
  for (const [name, key] of configEntries()) {
    options[name] = { type: key.type === 'boolean' ? 'boolean' : 'string', multiple: key.type === 'list' };
  }
  for (const [name, type] of Object.entries(own)) options[name] = { type };
  // `--disable-agent=false` is how K3s users spell it; parseArgs takes no value for a boolean.
  const plain = args.flatMap(arg => {
    const match = /^--([\w-]+)=(true|false)$/.exec(arg);
    if (!match || options[match[1]!]?.type !== 'boolean') return [arg];
    return match[2] === 'true' ? [`--${match[1]}`] : [];
  });
  try {
    const parsed = parseArgs({ args: plain, options, allowPositionals: true, strict: true });
    return { values: parsed.values as Record<string, unknown>, positionals: parsed.positionals };
  } catch (error) {
    throw new UsageError(flagMessage(error));
  }
}

function flagMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown option '(--?([\w-]+))'/.exec(message);
  return unknown ? `${unknown[1]}: no such option${nearestHint(unknown[2]!)}` : message.split('\n')[0]!;
}

/** The named file (which must exist), or the default one and the files of config.yaml.d beside it when they exist. */
async function fileSources(named: string | undefined): Promise<ConfigSource[]> {
  const path = named ?? defaultConfigFile;
  const files = [path, ...listFolder(`${path}.d`)];
  const sources: ConfigSource[] = [];
  for (const file of files) {
    const text = readIfThere(file, named === file);
    if (text === undefined) continue;
    const { parse } = await import('yaml');
    sources.push({ describe: name => `${file}: ${name}`, values: parseYaml(parse, file, text) });
  }
  return sources;
}

function parseYaml(parse: (text: string) => unknown, file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new CommandError(`${file}: not YAML: ${cause instanceof Error ? cause.message.split('\n')[0] : cause}`, {
      cause,
    });
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new CommandError(`${file}: must be a map of options`);
  return value as Record<string, unknown>;
}

function readIfThere(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path)
      .filter(name => /\.ya?ml$/.test(name))
      .sort()
      .map(name => `${path}/${name}`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

/** The options of a role as help text. */
export function describeOptions(role: 'server' | 'agent'): string {
  const rows = configEntries().filter(([, key]) => key.roles.includes(role));
  return rows
    .map(([name, key]) => {
      const value = key.type === 'boolean' ? '' : ` ${key.type.toUpperCase()}`;
      const fallback = String(key.default) === '' || key.type === 'boolean' ? '' : ` [${String(key.default)}]`;
      return `  --${name}${value}\n      ${key.sentence}${fallback} (${environmentName(name)})\n`;
    })
    .join('');
}
