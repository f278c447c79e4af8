import type { Pod, ProjectedVolumeSource, VolumeProjection } from '#api';
import type { DownwardFacts } from '../containers/downward.ts';
import type { ObjectReader } from '../containers/env.ts';
import type { Payload, PayloadFile } from './atomic-writer.ts';
import { commonUser } from './ownership.ts';
import { configMapFiles, downwardFiles, secretFiles } from './payload.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import { VolumeError } from './volume-error.ts';

export interface ProjectedReaders {
  objects: ObjectReader;
  tokens: ServiceAccountTokens;
}

/** The files of all sources together; of two with the same path the later wins. */
export async function projectedFiles(
  readers: ProjectedReaders,
  pod: Pod,
  { sources = [], defaultMode = 0o644 }: ProjectedVolumeSource,
  facts: DownwardFacts,
): Promise<Payload> {
  const files = new Map<string, PayloadFile>();
  for (const source of sources) {
    for (const [path, file] of await filesOf(readers, pod, source, { defaultMode, facts })) files.set(path, file);
  }
  return files;
}

async function filesOf(
  { objects, tokens }: ProjectedReaders,
  pod: Pod,
  source: VolumeProjection,
  { defaultMode, facts }: { defaultMode: number; facts: DownwardFacts },
): Promise<Payload> {
  const namespace = pod.metadata.namespace ?? '';
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) {
    const { name = '', items, optional } = configMap;
    const found = await objects.configMap(namespace, name);
    if (!found && !optional) throw new VolumeError(`configmap "${name}" not found`);
    return configMapFiles(found, { items, optional, defaultMode, what: 'configmap' });
  }
  if (secret) {
    const { name = '', items, optional } = secret;
    const found = await objects.secret(namespace, name);
    if (!found && !optional) throw new VolumeError(`secret "${name}" not found`);
    return secretFiles(found, { items, optional, defaultMode, what: 'secret' });
  }
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], { defaultMode, facts });
  if (serviceAccountToken) {
    const token = await tokens.token(pod, serviceAccountToken);
    const uid = commonUser(pod);
    // Readable by the pod's user or group alone where the pod has one.
    const narrow = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
    return new Map([
      [serviceAccountToken.path, { bytes: Buffer.from(token), mode: narrow ? 0o600 : defaultMode, uid }],
    ]);
  }
  const [kind] = Object.keys(source);
  throw new VolumeError(`projected sources of type ${kind} are not implemented`);
}
