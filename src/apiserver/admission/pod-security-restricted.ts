import type { Container, Volume } from '#api';
import { checkProcMount } from './pod-security-baseline.ts';
import {
  type Check,
  containersOf,
  exceptUserNamespace,
  isWindows,
  named,
  type PodShape,
  plural,
  quoted,
  setters,
  uniqueSorted,
  userNamespacesSince,
} from './pod-security-checks.ts';

// Checks that the restricted level adds to the baseline, with upstream's words.

const allowedVolumes: readonly (keyof Volume)[] = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** In the order of their names. Windows pods are left out of the Linux-only ones since 1.25. */
export const restrictedChecks: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', level: 'restricted', since: 8, until: 25, run: checkEscalation },
  { id: 'allowPrivilegeEscalation', level: 'restricted', since: 25, run: exceptWindows(checkEscalation) },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    since: 22,
    until: 25,
    replaces: 'capabilities_baseline',
    run: checkCapabilities,
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    since: 25,
    replaces: 'capabilities_baseline',
    run: exceptWindows(checkCapabilities),
  },
  // A user namespace relaxes the baseline's check of the same, but not this.
  {
    id: 'procMount_restricted',
    level: 'restricted',
    since: userNamespacesSince,
    replaces: 'procMount',
    run: checkProcMount,
  },
  { id: 'restrictedVolumes', level: 'restricted', since: 0, replaces: 'hostPathVolumes', run: checkVolumes },
  { id: 'runAsNonRoot', level: 'restricted', since: 0, until: userNamespacesSince, run: checkNonRoot },
  { id: 'runAsNonRoot', level: 'restricted', since: userNamespacesSince, run: exceptUserNamespace(checkNonRoot) },
  { id: 'runAsUser', level: 'restricted', since: 23, until: userNamespacesSince, run: checkRunAsUser },
  { id: 'runAsUser', level: 'restricted', since: userNamespacesSince, run: exceptUserNamespace(checkRunAsUser) },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    since: 19,
    until: 25,
    replaces: 'seccompProfile_baseline',
    run: checkSeccomp,
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    since: 25,
    replaces: 'seccompProfile_baseline',
    run: exceptWindows(checkSeccomp),
  },
];

function exceptWindows(run: Check['run']): Check['run'] {
  return pod => (isWindows(pod.spec) ? undefined : run(pod));
}

function checkEscalation({ spec }: PodShape) {
  const bad = containersOf(spec).filter(container => container.securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}

function checkCapabilities({ spec }: PodShape) {
  const capabilities = (container: Container) => container.securityContext?.capabilities;
  const addedBy = (container: Container) =>
    (capabilities(container)?.add ?? []).filter(name => name !== 'NET_BIND_SERVICE');
  const keeping = containersOf(spec).filter(container => !capabilities(container)?.drop?.includes('ALL'));
  const adding = containersOf(spec).filter(container => addedBy(container).length > 0);
  const parts: string[] = [];
  if (keeping.length > 0) parts.push(`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const names = quoted(uniqueSorted(adding.flatMap(addedBy)));
    parts.push(`${named(adding)} must not include ${names} in securityContext.capabilities.add`);
  }
  return parts.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: parts.join('; ') };
}

function checkVolumes({ spec }: PodShape) {
  const typeOf = (volume: Volume) =>
    (Object.keys(volume) as (keyof Volume)[]).find(key => key !== 'name' && volume[key] !== undefined);
  const bad = (spec.volumes ?? []).filter(volume => {
    const type = typeOf(volume);
    return type !== undefined && !allowedVolumes.includes(type);
  });
  if (bad.length === 0) return undefined;
  const types = uniqueSorted(bad.map(volume => typeOf(volume) ?? 'unknown'));
  const volumes = `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map(volume => volume.name))}`;
  const uses = plural('uses', 'use', bad.length);
  const what = plural('restricted volume type', 'restricted volume types', types.length);
  return { reason: 'restricted volume types', detail: `${volumes} ${uses} ${what} ${quoted(types)}` };
}

function checkNonRoot({ spec }: PodShape) {
  const reason = 'runAsNonRoot != true';
  const podValue = spec.securityContext?.runAsNonRoot;
  const nonRootOf = (container: Container) => container.securityContext?.runAsNonRoot;
  const explicit = containersOf(spec).filter(container => nonRootOf(container) === false);
  if (podValue === false || explicit.length > 0) {
    const who = setters(podValue === false, explicit);
    return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  }
  const implicit = containersOf(spec).filter(container => nonRootOf(container) === undefined && !podValue);
  if (implicit.length === 0) return undefined;
  return { reason, detail: `pod or ${named(implicit)} must set securityContext.runAsNonRoot=true` };
}

function checkRunAsUser({ spec }: PodShape) {
  const podIsBad = spec.securityContext?.runAsUser === 0;
  const bad = containersOf(spec).filter(container => container.securityContext?.runAsUser === 0);
  if (!podIsBad && bad.length === 0) return undefined;
  return { reason: 'runAsUser=0', detail: `${setters(podIsBad, bad)} must not set runAsUser=0` };
}

function checkSeccomp({ spec }: PodShape) {
  const reason = 'seccompProfile';
  const isGood = (type: string | undefined) => type === 'RuntimeDefault' || type === 'Localhost';
  const podType = spec.securityContext?.seccompProfile?.type;
  const profileOf = (container: Container) => container.securityContext?.seccompProfile;
  const explicit = containersOf(spec).filter(container => profileOf(container) && !isGood(profileOf(container)?.type));
  const podIsBad = podType !== undefined && !isGood(podType);
  if (podIsBad || explicit.length > 0) {
    const types = [...(podIsBad ? [podType] : []), ...explicit.map(container => profileOf(container)?.type ?? '')];
    const who = setters(podIsBad, explicit);
    return {
      reason,
      detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(uniqueSorted(types))}`,
    };
  }
  const implicit = containersOf(spec).filter(container => !profileOf(container) && !isGood(podType));
  if (implicit.length === 0) return undefined;
  const detail = `pod or ${named(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
  return { reason, detail };
}
