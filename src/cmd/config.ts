import { configEntries, configTable, environmentName } from '#cluster';
import { type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry config print|reference`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals } = await readOptions(invocation);
  switch (positionals[0]) {
    case 'print':
      invocation.stdout(printConfig(config));
      return 0;
    case 'reference':
      invocation.stdout(referencePage());
      return 0;
    default:
      throw new UsageError('say what to do: print or reference');
  }
}

function printConfig(config: Readonly<Record<string, unknown>>): string {
  return configEntries()
    .map(([name, key]) => {
      const value = key.secret && config[name] ? '(hidden)' : config[name];
      return `${name}: ${JSON.stringify(value)}\n`;
    })
    .join('');
}

/** docs/reference/config.md. */
export function referencePage(): string {
  const rows = Object.entries(configTable).map(([name, key]) => {
    const fallback = String(key.default) === '' ? '' : `\`${String(key.default)}\``;
    return `| \`--${name}\` | \`${environmentName(name)}\` | ${fallback} | ${key.roles.join(', ')} | ${key.sentence} |`;
  });
  return [
    '# Options',
    '',
    'Flags win over the environment, the environment over the files `/etc/wherry/config.yaml` and `/etc/wherry/config.yaml.d/*.yaml`, whose keys are the',
    'flags without dashes in front. Unknown keys are errors. Written by `wherry config reference`.',
    '',
    '| flag | environment | default | for | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
