import { addressFamily, parseCidr } from '#base';
import { type Config, type ConfigKey, type ConfigName, configTable, environmentName } from './config-table.ts';

/** A value of an option that cannot be used, or an option that does not exist. The message is one line with the remedy. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Raw values by option name, from one source. Text is converted to the option's type. */
export interface ConfigSource {
  /** For messages: `--data-dir`, `WHERRY_DATA_DIR`, `/etc/wherry/config.yaml: data-dir`. */
  describe(name: string): string;
  values: Readonly<Record<string, unknown>>;
}

/** Later sources win. Throws ConfigError naming the option, the value and what would be right. */
export function resolveConfig(sources: readonly ConfigSource[]): Config {
  const config: Record<string, unknown> = {};
  for (const [name, key] of configEntries()) config[name] = key.default;
  for (const source of sources) {
    for (const [name, raw] of Object.entries(source.values)) {
      const key = (configTable as Record<string, ConfigKey>)[name];
      if (!key) throw new ConfigError(`${source.describe(name)}: no such option${nearestHint(name)}`);
      config[name] = convert(raw, key, source.describe(name));
    }
  }
  checkConfig(config as Config);
  return config as Config;
}

/** The option's values in the environment. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): ConfigSource {
  const values: Record<string, unknown> = {};
  for (const [name] of configEntries()) {
    const value = environment[environmentName(name)];
    if (value !== undefined) values[name] = value;
  }
  return { describe: environmentName, values };
}

/** All options with their table rows. */
export function configEntries(): [ConfigName, ConfigKey][] {
  return Object.entries(configTable) as [ConfigName, ConfigKey][];
}

/** ` (did you mean data-dir?)` when an option is near enough, else empty. */
export function nearestHint(name: string): string {
  const ranked = configEntries()
    .map(([candidate]) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, name.length / 3) ? ` (did you mean ${best.candidate}?)` : '';
}

function convert(raw: unknown, key: ConfigKey, where: string): unknown {
  switch (key.type) {
    case 'list': {
      const items = Array.isArray(raw) ? raw : String(raw).split(',');
      return items.map(item => String(item).trim()).filter(item => item !== '');
    }
    case 'boolean':
      if (raw === true || raw === 'true' || raw === '') return true;
      if (raw === false || raw === 'false') return false;
      throw new ConfigError(`${where}: ${JSON.stringify(raw)} is not true or false`);
    case 'integer':
      if (/^\d+$/.test(String(raw))) return Number(raw);
      throw new ConfigError(`${where}: ${JSON.stringify(raw)} is not a whole number`);
    case 'string':
      if (typeof raw === 'object') throw new ConfigError(`${where}: takes one text value`);
      return String(raw);
  }
}

/** What no single type can say. */
function checkConfig(config: Config): void {
  const fail = (name: ConfigName, remedy: string) => {
    throw new ConfigError(`${name}: ${JSON.stringify(config[name])} ${remedy}`);
  };
  for (const name of ['cluster-cidr', 'service-cidr'] as const) {
    if (!parseCidr(config[name])) fail(name, 'is not a range of addresses like 10.42.0.0/16');
  }
  for (const name of ['bind-address', 'cluster-dns'] as const) {
    if (!addressFamily(config[name])) fail(name, 'is not an IP address');
  }
  for (const name of ['advertise-address', 'node-ip'] as const) {
    if (config[name] && !addressFamily(config[name])) fail(name, 'is not an IP address');
  }
  for (const name of ['https-listen-port', 'kubelet-port'] as const) {
    if (config[name] > 65535) fail(name, 'is not a port: at most 65535');
  }
  if (!['debug', 'info', 'warn', 'error'].includes(config['log-level']))
    fail('log-level', 'is not one of debug, info, warn, error');
  if (!['text', 'json'].includes(config['log-format'])) fail('log-format', 'is not one of text, json');
  if (!/^0?[0-7]{3}$/.test(config['write-kubeconfig-mode']))
    fail('write-kubeconfig-mode', 'is not a file mode like 0600');
  parsePortRange(config['service-node-port-range']);
}

/** `30000-32767` as numbers, both ends included. Throws ConfigError. */
export function parsePortRange(text: string): { first: number; last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65535 || first > last) {
    throw new ConfigError(`service-node-port-range: ${JSON.stringify(text)} is not a range like 30000-32767`);
  }
  return { first, last };
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
