import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret } from '#api';
import { type DownwardFacts, fieldText, resourceText } from '../containers/downward.ts';
import type { PayloadFile } from './atomic-writer.ts';
import { VolumeError } from './volume-error.ts';

type Files = Map<string, PayloadFile>;

interface KeySelection {
  items?: readonly KeyToPath[] | undefined;
  defaultMode: number;
  optional?: boolean | undefined;
  what: keyof typeof missingKey;
}

/** As upstream words them. */
const missingKey = {
  configmap: 'configmap references non-existent config key',
  secret: 'references non-existent secret key',
} as const;

/** The files of a ConfigMap: all keys, or those that `items` names. */
export function configMapFiles(map: ConfigMap | undefined, selection: KeySelection): Files {
  const all = new Map([
    ...Object.entries(map?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(map?.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
  return pick(all, selection);
}

export function secretFiles(secret: Secret | undefined, selection: KeySelection): Files {
  const entries = Object.entries(secret?.data ?? {});
  return pick(new Map(entries.map(([key, text]) => [key, Buffer.from(text, 'base64')])), selection);
}

function pick(all: ReadonlyMap<string, Buffer>, { items, defaultMode, optional, what }: KeySelection): Files {
  if (!items || items.length === 0) {
    return new Map(Array.from(all, ([key, bytes]) => [key, { bytes, mode: defaultMode }]));
  }
  const files: Files = new Map();
  for (const { key, path, mode = defaultMode } of items) {
    const bytes = all.get(key);
    if (bytes) files.set(path, { bytes, mode });
    else if (!optional) throw new VolumeError(`${missingKey[what]}: ${key}`);
  }
  return files;
}

/** Fields of the pod, and resources of its containers, as files. */
export function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  options: { defaultMode: number; facts: DownwardFacts },
): Files {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode = options.defaultMode } of items) {
    const text = fieldRef
      ? fieldText(pod, fieldRef, options.facts)
      : resourceFieldRef
        ? resourceText(pod, resourceFieldRef, undefined, options.facts)
        : '';
    files.set(path, { bytes: Buffer.from(text), mode });
  }
  return files;
}
