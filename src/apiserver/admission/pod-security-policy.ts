import { type Cause, quote } from '../access/refuse.ts';

export const podSecurityLevels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof podSecurityLevels)[number];
export const podSecurityModes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof podSecurityModes)[number];

/** A level of the Pod Security Standards as one version of Kubernetes has it. */
export interface Policy {
  readonly level: Level;
  /** The minor of v1.x; undefined is latest. */
  readonly minor: number | undefined;
}
export type Policies = Readonly<Record<Mode, Policy>>;

/** Where labels of the namespace say nothing, unless the configuration says otherwise. */
export const allPrivileged: Policies = {
  enforce: { level: 'privileged', minor: undefined },
  audit: { level: 'privileged', minor: undefined },
  warn: { level: 'privileged', minor: undefined },
};

export const podSecurityPrefix = 'pod-security.kubernetes.io/';
const versionForm = /^(?:latest|v1\.(\d|[1-9]\d*))$/;

/** `latest` and `v1.x` as a minor; null for anything else. */
export function readVersion(text: string): number | undefined | null {
  const match = versionForm.exec(text);
  if (!match) return null;
  return match[1] === undefined ? undefined : Number(match[1]);
}

export const isLevel = (text: string): text is Level => (podSecurityLevels as readonly string[]).includes(text);

/** What labels of a namespace ask for, over the defaults; wrong values are named, and enforce the strictest, as upstream. */
export function readPolicies(labels: Readonly<Record<string, string>>, defaults: Policies) {
  const errors: Cause[] = [];
  const complain = (key: string, value: string, why: string) =>
    errors.push({
      reason: 'FieldValueInvalid',
      field: `metadata.labels[${key}]`,
      message: `Invalid value: ${quote(value)}: ${why}`,
    });
  const readLevel = (mode: Mode): Level => {
    const level = labels[`${podSecurityPrefix}${mode}`];
    if (level === undefined) return defaults[mode].level;
    if (isLevel(level)) return level;
    complain(`${podSecurityPrefix}${mode}`, level, `must be one of ${podSecurityLevels.join(', ')}`);
    return mode === 'enforce' ? 'restricted' : 'privileged';
  };
  const readMinor = (mode: Mode): number | undefined => {
    const version = labels[`${podSecurityPrefix}${mode}-version`];
    if (version === undefined) return defaults[mode].minor;
    const minor = readVersion(version);
    if (minor === null) complain(`${podSecurityPrefix}${mode}-version`, version, 'must be "latest" or "v1.x"');
    return minor ?? undefined;
  };
  const read = (mode: Mode): Policy => ({ level: readLevel(mode), minor: readMinor(mode) });
  const policies = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') };
  return { policies: { ...policies, warn: warnOf(labels, policies) } satisfies Policies, errors };
}

/** Who enforces more than is warned of is warned of that, unless he said what to warn of. */
function warnOf(labels: Readonly<Record<string, string>>, { enforce, warn }: Policies): Policy {
  const says = (name: string) => labels[`${podSecurityPrefix}${name}`] !== undefined;
  if (says('warn') || !says('enforce') || strictness(enforce) <= strictness(warn)) return warn;
  return { level: enforce.level, minor: says('warn-version') ? warn.minor : enforce.minor };
}

export const strictness = ({ level }: Policy): number => podSecurityLevels.indexOf(level);

/** `baseline:v1.30`. */
export function versionOf({ level, minor }: Policy): string {
  return `${level}:${minor === undefined ? 'latest' : `v1.${minor}`}`;
}

export const describePolicy = (policy: Policy): string => quote(versionOf(policy));
