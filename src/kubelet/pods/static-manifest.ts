import { createHash } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import { behaviours, createDecoder, createScheme, type Kind, type Pod, validateMetadata } from '#api';
import { formatTime } from '#base';
import { namedBy } from '../volumes/objects.ts';

/** What is wrong with a manifest, in one line. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

export interface ManifestReader {
  /** The pods of a file, complete as if the API server had taken them. Throws ManifestError: then none of them is to be run. */
  read(text: string, where: { path: string; nowMs: number }): Pod[];
}

/** Reads the files of static pods. Source: upstream's pkg/kubelet/config/common.go. */
export function createManifestReader(nodeName: string): ManifestReader {
  const decoder = createDecoder();
  let known: Kind | undefined;
  // Most nodes have no static pods.
  const podKind = () => {
    known ??= createScheme(behaviours).byKind('', 'v1', 'Pod')!;
    return known;
  };
  const readOne = (value: unknown, where: { path: string; nowMs: number }): Pod => {
    const { apiVersion, kind } = value as Partial<Pod>;
    if (apiVersion !== 'v1' || kind !== 'Pod')
      throw new ManifestError(`holds ${apiVersion ?? 'no apiVersion'} ${kind ?? 'and no kind'}, not a v1 Pod`);
    const written = structuredClone(value as Pod);
    const { type, behaviour } = podKind();
    const parsed = { value, duplicates: [] };
    const pod = decoder.check(parsed, type, { validation: 'Ignore', fill: false }).object as unknown as Pod;
    const { status: _, ...complete } = identify(pod, { ...where, written, nodeName });
    behaviour.defaults?.(complete as never);
    const [error] = [
      ...validateMetadata(complete.metadata, { namespaced: true, nameRule: behaviour.nameRule }),
      ...(behaviour.validateCreate?.(complete as never) ?? []),
    ];
    if (error) throw new ManifestError(`${error.field}: ${error.message}`);
    refuseReferences(complete);
    return complete;
  };
  return {
    read(text, where) {
      const documents = parseAllDocuments(text);
      try {
        return documents.flatMap(document => {
          const [problem] = document.errors;
          if (problem) throw problem;
          const value: unknown = document.toJS();
          return value === null ? [] : [readOne(value, where)];
        });
      } catch (cause) {
        const [line] = (cause as Error).message.split('\n');
        throw new ManifestError(line, { cause });
      }
    },
  };
}

/** What upstream adds to a pod of a file: its identity is what is written, where, and on which node. */
function identify(pod: Pod, where: { written: Pod; path: string; nodeName: string; nowMs: number }): Pod {
  const { nodeName, path, nowMs, written } = where;
  const hash = createHash('md5')
    .update(JSON.stringify([written, nodeName, path]))
    .digest('hex');
  const { metadata, spec } = pod;
  if (!metadata?.name) throw new ManifestError('metadata.name: Required value');
  return {
    ...pod,
    metadata: {
      ...metadata,
      name: `${metadata.name.toLowerCase()}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      uid: hash,
      annotations: {
        ...metadata.annotations,
        'kubernetes.io/config.hash': hash,
        'kubernetes.io/config.seen': formatTime(nowMs),
        'kubernetes.io/config.source': 'file',
      },
    },
    spec: {
      ...spec,
      nodeName,
      // Nothing may keep a static pod off its node.
      tolerations: [...(spec?.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  };
}

/** A static pod runs without the API server, so it can have nothing of it; the mirror would be refused. */
function refuseReferences(pod: Pod): void {
  const { spec } = pod;
  const named = namedBy(pod);
  const volumes = spec.volumes ?? [];
  const tokens = volumes.flatMap(({ projected }) => projected?.sources ?? []).some(one => one.serviceAccountToken);
  const found: [string, boolean][] = [
    ['serviceaccounts', tokens || Boolean(spec.serviceAccountName)],
    ['secrets', named.some(key => key.startsWith('secret/'))],
    ['configmaps', named.some(key => key.startsWith('configmap/'))],
    ['persistentvolumeclaims', volumes.some(one => one.persistentVolumeClaim ?? one.ephemeral)],
    ['resourceclaims', (spec.resourceClaims ?? []).length > 0],
  ];
  const first = found.find(([, is]) => is);
  if (first) throw new ManifestError(`static pods may not reference ${first[0]}`);
}
