import type { Random } from '#base';
import { type Field, parseDocument } from '../document.ts';
import { createSealer, keySizesOf, type ProviderName, providerNames, type Sealer } from './providers.ts';

/** How values of some resources are stored: the first writes, all read. `identity` is plain text. */
export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`. */
  readonly resources: readonly string[];
  readonly sealers: readonly (Sealer | 'identity')[];
}

const spec = { kind: 'EncryptionConfiguration', apiVersions: ['apiserver.config.k8s.io/v1'] };

/** Reads an EncryptionConfiguration as upstream's kube-apiserver takes it. Throws DocumentError naming file and field. `path` is for messages. */
export function parseEncryptionConfig(path: string, text: string, random: Random): readonly EncryptionRule[] {
  const document = parseDocument(path, text, spec);
  const { resources } = document.members('resources');
  const rules = resources.list().map(rule => parseRule(rule, random));
  if (rules.length === 0) resources.fail('must have at least one entry');
  return rules;
}

function parseRule(field: Field, random: Random): EncryptionRule {
  const { resources, providers } = field.members('resources', 'providers');
  const names = resources.texts();
  if (names.length === 0) resources.fail('must name at least one resource');
  for (const item of resources.list()) checkResource(item);
  const sealers = providers.list().flatMap(provider => parseProvider(provider, random));
  if (sealers.length === 0) providers.fail('must have at least one provider');
  return { resources: names, sealers };
}

/** Upstream's rules: lower case, no subresources, `*` alone means nothing. */
function checkResource(item: Field): void {
  const name = item.text();
  if (name === '*') item.fail('use "*.*" for all resources, or "*." for those of the core group');
  if (name.includes('/')) item.fail('must be a resource, without a subresource');
  if (name !== name.toLowerCase()) item.fail('must be in lower case');
}

function parseProvider(field: Field, random: Random): (Sealer | 'identity')[] {
  const members = field.members(...providerNames, 'identity', 'kms');
  const given = [...providerNames, 'identity', 'kms'].filter(name => members[name as ProviderName].isSet);
  if (given.length !== 1) field.fail(`must have exactly one of ${[...providerNames, 'identity'].join(', ')}`);
  if (given[0] === 'kms') members.kms.fail('kms is not built: use secretbox, aesgcm or aescbc');
  if (given[0] === 'identity') return ['identity'];
  const provider = given[0] as ProviderName;
  const { keys } = members[provider].members('keys');
  const names = new Set<string>();
  const sealers = keys.list().map(key => {
    const { name, secret } = key.members('name', 'secret');
    const keyName = name.text();
    if (names.has(keyName)) name.fail('must be unique among the keys of the provider');
    if (keyName.includes(':')) name.fail('must not have a colon');
    names.add(keyName);
    return createSealer({ provider, keyName, secret: parseSecret(secret, provider), random });
  });
  if (sealers.length === 0) keys.fail('must have at least one key');
  return sealers;
}

/** The secret itself is never shown. */
function parseSecret(field: Field, provider: ProviderName): Buffer {
  if (typeof field.value !== 'string' || field.value === '') return field.failHidden('must be the base64 of a key');
  const bytes = Buffer.from(field.value, 'base64');
  const sizes = keySizesOf(provider);
  if (bytes.toString('base64').replace(/=+$/, '') !== field.value.replace(/=+$/, ''))
    field.failHidden('must be base64');
  if (!sizes.includes(bytes.length)) {
    field.failHidden(`must be ${sizes.join(', ')} bytes long for ${provider}, and is ${bytes.length}`);
  }
  return bytes;
}
