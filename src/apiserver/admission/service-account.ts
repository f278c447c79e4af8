import type { Container, Pod, ServiceAccount, Volume } from '#api';
import { resources } from '#api';
import type { Clock, Random } from '#base';
import { podReferences } from '../access/node-references.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { draftOf, isAbout, mirrorPodAnnotation, oldOf, refuse } from './request.ts';

export interface ServiceAccountOptions {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

const defaultAccount = 'default';
/** A fresh namespace has no account for a moment: upstream looks ten times, a tenth of a second apart. */
const lookUps = 10;
const lookUpDelayMs = 100;
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const tokenSeconds = 3607;
const volumePrefix = 'kube-api-access-';
const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets';

/** Gives every pod its service account: the name, its pull secrets, and a mounted token volume. */
export function createServiceAccountPlugin(options: ServiceAccountOptions): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    mutate: request =>
      isAbout(request, resources.pods) && request.operation === 'CREATE' ? admit(options, request) : undefined,
    validate(request) {
      if (isAbout(request, resources.pods) && request.operation === 'CREATE') return check(options, request);
      if (isAbout(request, resources.pods, 'ephemeralcontainers') && request.operation === 'UPDATE') {
        return check(options, request);
      }
      return undefined;
    },
  };
}

async function admit(options: ServiceAccountOptions, request: AdmissionRequest): Promise<void> {
  const pod = draftOf<Pod>(request);
  if (!pod) return;
  if (isMirror(pod)) return checkMirror(request, pod);
  const { spec } = pod;
  spec.serviceAccountName ||= spec.serviceAccount || defaultAccount;
  spec.serviceAccount = spec.serviceAccountName;
  const account = await findAccount(options, request, spec.serviceAccountName);
  if (mayMount(pod, account)) mountToken(pod, options.random);
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
  }
}

async function check(options: ServiceAccountOptions, request: AdmissionRequest): Promise<void> {
  const pod = draftOf<Pod>(request);
  if (!pod) return;
  if (isMirror(pod)) return checkMirror(request, pod);
  const name = pod.spec.serviceAccountName ?? oldOf<Pod>(request)?.spec.serviceAccountName ?? '';
  if (!name)
    throw refuse(request, `no service account specified for pod ${request.namespace ?? ''}/${pod.metadata.name}`);
  const account = await findAccount(options, request, name);
  if (!isGoTrue(account.metadata.annotations?.[enforceAnnotation])) return;
  if (request.subresource) checkEphemeral(request, pod, account);
  else checkSecrets(request, pod, account);
}

/** As strconv.ParseBool. */
function isGoTrue(text: string | undefined): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text ?? '');
}

function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[mirrorPodAnnotation] !== undefined;
}

/** Mirror pods show what a node runs from files: they may not reach into the API. */
function checkMirror(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw refuse(request, 'a mirror pod may not reference service accounts');
  if (podReferences(pod).secrets.size > 0) throw refuse(request, 'a mirror pod may not reference secrets');
  const projects = (pod.spec.volumes ?? []).some(volume =>
    (volume.projected?.sources ?? []).some(source => source.serviceAccountToken),
  );
  if (projects) throw refuse(request, 'a mirror pod may not use ServiceAccountToken volume projections');
}

async function findAccount(
  { reader, clock }: ServiceAccountOptions,
  request: AdmissionRequest,
  name: string,
): Promise<ServiceAccount> {
  const namespace = request.namespace ?? '';
  const attempts = name === defaultAccount ? lookUps : 1;
  for (let attempt = 1; ; attempt++) {
    const account = reader.get(resources.serviceaccounts, namespace, name);
    if (account) return account;
    if (attempt === attempts) break;
    await clock.sleep(lookUpDelayMs);
  }
  throw refuse(request, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
}

/** The pod's own wish goes before the account's; without either the token is mounted. */
function mayMount(pod: Pod, account: ServiceAccount): boolean {
  return pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

function mountToken(pod: Pod, random: Random): void {
  const { spec } = pod;
  // In the second round of admission the volume is there, and only containers that a webhook has added lack it.
  const present = (spec.volumes ?? []).find(volume => volume.name.startsWith(volumePrefix));
  const name = present?.name ?? freeName(spec.volumes ?? [], random);
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const lacking = containers.filter(container => !mounts(container));
  for (const container of lacking) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  }
  if (lacking.length > 0 && !present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function freeName(volumes: readonly Volume[], random: Random): string {
  const taken = new Set(volumes.map(volume => volume.name));
  for (;;) {
    const name = `${volumePrefix}${random.suffix(5)}`;
    if (!taken.has(name)) return name;
  }
}

function mounts(container: Container): boolean {
  return (container.volumeMounts ?? []).some(mount => mount.mountPath === mountPath);
}

function tokenVolume(name: string): Volume {
  const namespacePath = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: namespacePath }] } },
      ],
    },
  };
}

/** An account that asks for it limits its pods to the secrets that it lists. */
function checkSecrets(request: AdmissionRequest, pod: Pod, account: ServiceAccount): void {
  const { listed, because } = mountable(account);
  const pull = new Set((account.imagePullSecrets ?? []).map(secret => secret.name));
  for (const volume of pod.spec.volumes ?? []) {
    const name = volume.secret?.secretName;
    if (name && !listed.has(name)) {
      throw refuse(request, `volume with secret.secretName="${name}" is not allowed ${because}`);
    }
  }
  const groups: readonly [string, readonly Container[] | undefined][] = [
    ['init container', pod.spec.initContainers],
    ['container', pod.spec.containers],
  ];
  for (const [word, containers] of groups) {
    for (const container of containers ?? []) checkEnvironment(request, { word, container }, listed, because);
  }
  for (const [index, { name }] of (pod.spec.imagePullSecrets ?? []).entries()) {
    if (name && !pull.has(name)) {
      const why = `because service account ${account.metadata.name} does not reference that imagePullSecret`;
      throw refuse(request, `imagePullSecrets[${index}].name="${name}" is not allowed ${why}`);
    }
  }
}

/** What runs already stays as it is. */
function checkEphemeral(request: AdmissionRequest, pod: Pod, account: ServiceAccount): void {
  const { listed, because } = mountable(account);
  for (const container of (pod.spec.ephemeralContainers ?? []) as readonly Container[]) {
    checkEnvironment(request, { word: 'ephemeral container', container }, listed, because);
  }
}

function mountable(account: ServiceAccount) {
  return {
    listed: new Set((account.secrets ?? []).map(secret => secret.name)),
    because: `because service account ${account.metadata.name} does not reference that secret`,
  };
}

function checkEnvironment(
  request: AdmissionRequest,
  { word, container }: { word: string; container: Container },
  listed: ReadonlySet<string | undefined>,
  because: string,
): void {
  for (const variable of container.env ?? []) {
    const name = variable.valueFrom?.secretKeyRef?.name;
    if (name && !listed.has(name)) {
      const where = `${word} ${container.name} with envVar ${variable.name}`;
      throw refuse(request, `${where} referencing secret.secretName="${name}" is not allowed ${because}`);
    }
  }
  for (const source of container.envFrom ?? []) {
    const name = source.secretRef?.name;
    if (name && !listed.has(name)) {
      const where = `${word} ${container.name} with envFrom`;
      throw refuse(request, `${where} referencing secret.secretName="${name}" is not allowed ${because}`);
    }
  }
}
