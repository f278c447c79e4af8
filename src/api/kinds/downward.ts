import type { FieldError } from '../kind.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../types.ts';
import { invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkQualifiedName } from './name-rules.ts';

/** Fields of the pod that environment variables may take. */
export const envFields: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Fields of the pod that files may take. */
export const volumeFields: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const convertible: ReadonlySet<string> = new Set([...envFields, ...volumeFields, 'spec.restartPolicy']);

const resources: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

const sizes: ReadonlySet<string> = new Set('1 1k 1M 1G 1T 1P 1E 1Ki 1Mi 1Gi 1Ti 1Pi 1Ei'.split(' '));
const cpuSizes: ReadonlySet<string> = new Set(['1', '1m']);
const subscripted = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/s;
const anySubscript = /^(.*)\['.*'\]$/s;

/** `fieldRef`: one of `allowed`, or one label or annotation by key. */
export function checkFieldRef(
  errors: FieldError[],
  path: string,
  { ref, allowed }: { ref: ObjectFieldSelector; allowed: readonly string[] },
): void {
  if (!ref.apiVersion) return void errors.push(required(`${path}.apiVersion`));
  if (!ref.fieldPath) return void errors.push(required(`${path}.fieldPath`));
  const match = subscripted.exec(ref.fieldPath);
  if (match) {
    const key = match[2] ?? '';
    const lowered = match[1] === 'metadata.annotations' ? key.toLowerCase() : key;
    pushInvalid(errors, path, lowered, checkQualifiedName(lowered));
    return;
  }
  const other = anySubscript.exec(ref.fieldPath);
  if (other && convertible.has(other[1] ?? '')) {
    return void errors.push(invalid(path, other[1], 'does not support subscript'));
  }
  if (!convertible.has(ref.fieldPath)) {
    const detail = `error converting fieldPath: field label not supported: ${ref.fieldPath}`;
    errors.push(invalid(`${path}.fieldPath`, ref.fieldPath, detail));
  } else if (!allowed.includes(ref.fieldPath)) {
    errors.push(notSupported(`${path}.fieldPath`, ref.fieldPath, allowed));
  }
}

/** `resourceFieldRef`: files must say which container they mean. */
export function checkResourceFieldRef(
  errors: FieldError[],
  path: string,
  { ref, volume }: { ref: ResourceFieldSelector; volume: boolean },
): void {
  const name = ref.resource ?? '';
  const huge = name.startsWith('requests.hugepages-') || name.startsWith('limits.hugepages-');
  if (volume && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (!name) errors.push(required(`${path}.resource`));
  else if (!resources.includes(name) && !huge) errors.push(notSupported(`${path}.resource`, name, resources));
  const divisor = ref.divisor ?? '0';
  if (divisor === '0') return;
  const cpu = name.endsWith('.cpu');
  if ((cpu ? cpuSizes : sizes).has(divisor)) return;
  const what = cpu ? '1m and 1' : [...sizes].join(', ');
  const subject = huge ? 'hugepages' : cpu ? 'cpu' : name.endsWith('memory') ? 'memory' : 'local ephemeral storage';
  errors.push(
    invalid(`${path}.divisor`, name, `only divisor's values ${what} are supported with the ${subject} resource`),
  );
}
