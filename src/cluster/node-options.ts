import { StartError } from './start-error.ts';

/** `key=value` pairs of --node-label. Throws StartError. */
export function parseLabels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map(pair => {
      const [, key, value] = /^([^=\s]+)=([^=\s]*)$/.exec(pair) ?? [];
      if (!key) throw new StartError(`node-label: ${JSON.stringify(pair)} is not key=value`);
      return [key, value!];
    }),
  );
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** `key=value:effect` or `key:effect` of --node-taint. Throws StartError. */
export function parseTaints(texts: readonly string[]): { key: string; value?: string; effect: string }[] {
  return texts.map(text => {
    const [, key, value, effect] = /^([^=:\s]+)(?:=([^:\s]*))?:(\w+)$/.exec(text) ?? [];
    if (!key || !effects.includes(effect!))
      throw new StartError(
        `node-taint: ${JSON.stringify(text)} is not key=value:effect with effect ${effects.join(', ')}`,
      );
    return { key, effect: effect!, ...(value ? { value } : {}) };
  });
}
