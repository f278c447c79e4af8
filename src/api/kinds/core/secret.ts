import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Secret } from '../../types.ts';
import { decodedLength } from '../base64.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { immutableMessage, invalid, pushInvalid, required, tooLong } from '../field-error.ts';
import { checkConfigKey } from '../name-rules.ts';
import { checkImmutable, maxDataBytes } from './config-map.ts';

const accountAnnotation = 'kubernetes.io/service-account.name';

/** What the well-known types demand of their data. */
const typeRules: Readonly<Record<string, (secret: Secret, errors: FieldError[]) => void>> = {
  'kubernetes.io/service-account-token': (secret, errors) => {
    if (!secret.metadata.annotations?.[accountAnnotation]) {
      errors.push(required(`metadata.annotations[${accountAnnotation}]`));
    }
  },
  'kubernetes.io/dockercfg': (secret, errors) => requireJson(secret, '.dockercfg', errors),
  'kubernetes.io/dockerconfigjson': (secret, errors) => requireJson(secret, '.dockerconfigjson', errors),
  'kubernetes.io/basic-auth': (secret, errors) => {
    if (secret.data && ('username' in secret.data || 'password' in secret.data)) return;
    errors.push(required('data[username]'), required('data[password]'));
  },
  'kubernetes.io/ssh-auth': (secret, errors) => {
    if (!secret.data?.['ssh-privatekey']) errors.push(required('data[ssh-privatekey]'));
  },
  'kubernetes.io/tls': (secret, errors) => {
    for (const key of ['tls.crt', 'tls.key']) {
      if (!secret.data || !(key in secret.data)) errors.push(required(`data[${key}]`));
    }
  },
};

function requireJson(secret: Secret, key: string, errors: FieldError[]): void {
  const value = secret.data?.[key];
  if (value === undefined) {
    errors.push(required(`data[${key}]`));
    return;
  }
  const problem = describeJsonProblem(Buffer.from(value, 'base64').toString());
  if (problem) errors.push(invalid(`data[${key}]`, '<secret contents redacted>', problem));
}

/** Go's sentences, for the cases that people meet. */
function describeJsonProblem(source: string): string | undefined {
  if (source === '') return 'unexpected end of JSON input';
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    return 'invalid character in JSON text'; // The engine's own message would quote the secret.
  }
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
}

function validate(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  for (const key in secret.data) {
    const messages = checkConfigKey(key);
    if (messages.length > 0) pushInvalid(errors, `data[${key}]`, key, messages);
    total += decodedLength(secret.data[key]!);
  }
  if (total > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
  typeRules[secret.type ?? '']?.(secret, errors);
  return errors;
}

/** `stringData` is a way to write `data`: it never comes back. */
function mergeStringData(draft: Secret): void {
  if (draft.stringData === undefined) return;
  for (const key in draft.stringData) {
    draft.data ??= {};
    draft.data[key] = Buffer.from(draft.stringData[key]!).toString('base64');
  }
  delete draft.stringData;
}

export const secret: KindBehaviour<Secret> = {
  defaults(draft) {
    draft.type ||= 'Opaque';
    mergeStringData(draft);
  },
  prepareUpdate(draft, old) {
    // A client that knows nothing of types may leave it out: it stays what it was.
    draft.type ||= old.type;
  },
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (object.type !== old.type) errors.push(invalid('type', object.type ?? '', immutableMessage));
    return [...errors, ...checkImmutable(object, old, ['data']), ...validate(object)];
  },
  columns: [
    nameColumn,
    text('Type', 'What the secret is for.', o => o.type ?? ''),
    {
      ...count<Secret>('Data', 'Number of entries.', o => Object.keys(o.data ?? {}).length),
      type: 'string',
    },
    ageColumn,
  ],
  selectableFields: { type: object => object.type ?? '' },
};
