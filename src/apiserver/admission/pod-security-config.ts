import { checkLabel, checkSubdomain } from '#api';
import type { Field } from '../document.ts';
import {
  allPrivileged,
  isLevel,
  type Mode,
  type Policies,
  type Policy,
  podSecurityLevels,
  readVersion,
} from './pod-security-policy.ts';

/** Cluster-wide defaults of the Pod Security Standards, and who is not judged. */
export interface PodSecurityConfig {
  readonly defaults: Policies;
  readonly usernames: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  readonly runtimeClasses: ReadonlySet<string>;
}

export const defaultPodSecurity: PodSecurityConfig = {
  defaults: allPrivileged,
  usernames: new Set(),
  namespaces: new Set(),
  runtimeClasses: new Set(),
};

export const podSecurityDocument = {
  kind: 'PodSecurityConfiguration',
  apiVersions: [
    'pod-security.admission.config.k8s.io/v1',
    'pod-security.admission.config.k8s.io/v1beta1',
    'pod-security.admission.config.k8s.io/v1alpha1',
  ],
};

/** Reads a PodSecurityConfiguration. Throws DocumentError that names file and field. */
export function parsePodSecurityConfig(document: Field): PodSecurityConfig {
  const { defaults, exemptions } = document.members('kind', 'apiVersion', 'defaults', 'exemptions');
  return { defaults: defaults.isSet ? readDefaults(defaults) : allPrivileged, ...readExemptions(exemptions) };
}

function readDefaults(field: Field): Policies {
  const members = field.members('enforce', 'enforce-version', 'audit', 'audit-version', 'warn', 'warn-version');
  const read = (mode: Mode): Policy => {
    const [level, version] = [members[mode], members[`${mode}-version`]];
    const name = level.isSet ? level.text() : 'privileged';
    if (!isLevel(name)) return level.fail(`must be one of ${podSecurityLevels.join(', ')}`);
    const minor = readVersion(version.isSet ? version.text() : 'latest');
    return minor === null ? version.fail('must be "latest" or "v1.x"') : { level: name, minor };
  };
  return { enforce: read('enforce'), audit: read('audit'), warn: read('warn') };
}

function readExemptions(field: Field): Omit<PodSecurityConfig, 'defaults'> {
  if (!field.isSet) return defaultPodSecurity;
  const { usernames, namespaces, runtimeClasses } = field.members('usernames', 'namespaces', 'runtimeClasses');
  return {
    usernames: namesOf(usernames, () => []),
    namespaces: namesOf(namespaces, checkLabel),
    runtimeClasses: namesOf(runtimeClasses, checkSubdomain),
  };
}

function namesOf(field: Field, check: (name: string) => readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const item of field.list()) {
    const name = item.text();
    const problems = check(name);
    if (problems.length > 0) item.fail(problems.join(', '));
    if (names.has(name)) item.fail('is there twice');
    names.add(name);
  }
  return names;
}
