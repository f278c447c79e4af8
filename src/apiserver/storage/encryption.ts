import type { Meter } from '#base';
import { StoreError } from '#store';
import type { EncryptionRule } from './encryption-config.ts';

/** A stored value as plain bytes; `isStale`: it would be written differently today. */
export interface Opened {
  readonly plain: Uint8Array;
  readonly isStale: boolean;
}

/** Turns plain values into stored ones and back, by the rules that hold now. */
export interface Encryption {
  /** The value as it is to be stored; the same bytes when its resource is not encrypted. */
  seal(storeKey: string, plain: Uint8Array): Uint8Array;
  /** Throws StoreError `unavailable` naming store key, provider and key when no configured key opens it. */
  open(storeKey: string, stored: Uint8Array): Opened;
  /** Whether some rule speaks of the key's resource. */
  concerns(storeKey: string): boolean;
  /** New rules for everything from now on. */
  setRules(rules: readonly EncryptionRule[]): void;
  readonly rules: readonly EncryptionRule[];
}

const mark = Buffer.from('k8s:enc:');
const resourceMark = /^([^.]*)\.(.*)$/;

export interface EncryptionOptions {
  readonly rules: readonly EncryptionRule[];
  /** `secrets` or `deployments.apps` of a store key; undefined: no API object, never encrypted. */
  resourceOf(storeKey: string): string | undefined;
  readonly meter?: Meter | undefined;
}

export function createEncryption({ rules: first, resourceOf, meter }: EncryptionOptions): Encryption {
  let rules = first;
  let known = new Map<string, EncryptionRule | undefined>();
  const operations = meter?.counter({
    name: 'apiserver_storage_transformation_operations_total',
    help: 'Total number of transformations. Successful transformation will have a status "OK" and a varied status string when the transformation fails.',
    labels: ['resource', 'transformation_type', 'transformer_prefix', 'status'],
  });
  const ruleOf = (resource: string) => {
    if (!known.has(resource)) known.set(resource, findRule(rules, resource));
    return known.get(resource);
  };
  const count = (resource: string, type: string, prefix: string, status = 'OK') =>
    operations?.add({ resource, transformation_type: type, transformer_prefix: prefix, status });
  return {
    get rules() {
      return rules;
    },
    setRules(next) {
      rules = next;
      known = new Map();
    },
    concerns(storeKey) {
      const resource = resourceOf(storeKey);
      return resource !== undefined && ruleOf(resource) !== undefined;
    },
    seal(storeKey, plain) {
      const resource = resourceOf(storeKey);
      const sealer = resource === undefined ? undefined : ruleOf(resource)?.sealers[0];
      if (!sealer || sealer === 'identity') return plain;
      count(resource!, 'to_storage', sealer.prefix.toString());
      return sealer.seal(plain, storeKey);
    },
    open(storeKey, stored) {
      const sealed = isSealed(stored);
      const resource = resourceOf(storeKey);
      const rule = resource === undefined ? undefined : ruleOf(resource);
      if (!rule) {
        if (sealed) throw unreadable(storeKey, stored, 'and the configuration has no entry for it');
        return { plain: stored, isStale: false };
      }
      if (!sealed) return openPlain(rule, storeKey, stored);
      try {
        const opened = openSealed(rule, storeKey, stored);
        count(resource!, 'from_storage', prefixOf(stored));
        return opened;
      } catch (error) {
        count(resource!, 'from_storage', prefixOf(stored), 'Unknown');
        throw error;
      }
    },
  };
}

function isSealed(stored: Uint8Array): boolean {
  // Objects are JSON and begin with a brace.
  return stored[0] === mark[0] && mark.equals(stored.subarray(0, mark.length));
}

/** Without an identity provider plain values are refused, as upstream: somebody has put them there. */
function openPlain({ sealers }: EncryptionRule, storeKey: string, stored: Uint8Array): Opened {
  const at = sealers.indexOf('identity');
  if (at >= 0) return { plain: stored, isStale: at > 0 };
  throw new StoreError(
    'unavailable',
    `${storeKey} is stored in plain text, which the encryption configuration does not allow; add the identity provider at the end until everything is rewritten`,
  );
}

function openSealed({ sealers }: EncryptionRule, storeKey: string, stored: Uint8Array): Opened {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  let failure: { cause: unknown } | undefined;
  for (const [index, sealer] of sealers.entries()) {
    if (sealer === 'identity' || !sealer.prefix.equals(bytes.subarray(0, sealer.prefix.length))) continue;
    try {
      return { plain: sealer.open(bytes, storeKey), isStale: index > 0 };
    } catch (cause) {
      // Another entry may have the same name with the right key: upstream tries all.
      failure = { cause };
    }
  }
  if (!failure) throw unreadable(storeKey, stored, 'which the configuration does not have; add it');
  const why = 'and the key of that name does not open it: it is another key, or the value was changed';
  throw unreadable(storeKey, stored, why, failure.cause);
}

function unreadable(storeKey: string, stored: Uint8Array, why: string, cause?: unknown): StoreError {
  const [provider, , ...name] = prefixOf(stored).slice(mark.length, -1).split(':');
  const message = `${storeKey} is encrypted by provider ${provider} with key "${name.join(':')}", ${why}`;
  return new StoreError('unavailable', message, { cause });
}

/** `k8s:enc:aesgcm:v1:key1:`. */
function prefixOf(stored: Uint8Array): string {
  const head = Buffer.from(stored.subarray(0, 300)).toString('latin1');
  return /^k8s:enc:[^:]*:[^:]*:[^:]*:/.exec(head)?.[0] ?? 'unknown';
}

/** The first entry that speaks of the resource. */
function findRule(rules: readonly EncryptionRule[], resource: string): EncryptionRule | undefined {
  const [, plural = resource, group = ''] = resourceMark.exec(resource) ?? [];
  const full = group ? `${plural}.${group}` : plural;
  const names = new Set([full, `*.${group}`, '*.*']);
  return rules.find(rule => rule.resources.some(name => names.has(name)));
}
