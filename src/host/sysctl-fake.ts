import type { Sysctl } from './sysctl.ts';

export interface FakeSysctl extends Sysctl {
  readonly values: Map<string, string>;
}

export function createFakeSysctl(initial: Readonly<Record<string, string>> = {}): FakeSysctl {
  const values = new Map(Object.entries(initial));
  return {
    values,
    read: async name => values.get(name),
    write: async (name, value) => void values.set(name, String(value)),
  };
}
