import { createCipheriv, createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, Random } from '#base';
import type { Store } from '#store';
import { StoreError } from '#store';
import { authorityNames, writeFileAtomic } from './certificates.ts';
import { StartError } from './start-error.ts';

export interface BootstrapDeps {
  readonly store: Store;
  readonly random: Random;
  readonly log: Log;
}

/** Where K3s keeps it, too. */
const folder = '/bootstrap/';

/** What every server of a cluster must have alike, in the folder of certificates. */
export const sharedFiles: readonly string[] = [
  ...authorityNames.flatMap(name => [`${name}.crt`, `${name}.key`]),
  'service.key',
];

/**
 * Makes the shared files of all servers on one store the same: the first server writes its own into the store, encrypted with the secret of the server token; others
 * find them there. `makeFiles` makes those that are missing. Throws StartError when the store belongs to a cluster with another token.
 *
 * @param secret of the token; undefined: none is known, which only the first server may say. @returns the secret.
 */
export async function shareBootstrap(
  options: { certificates: string; secret: string | undefined; makeFiles(): Promise<void> },
  deps: BootstrapDeps,
): Promise<string> {
  const { store, random } = deps;
  const present = await store.list({ prefix: folder });
  if (options.secret === undefined && present.entries.length > 0) throw new StartError(tokenMissing);
  const secret = options.secret ?? Buffer.from(random.bytes(16)).toString('hex');
  const keys = keysOf(secret);
  const found = present.entries.find(({ key }) => key === keys.name);
  if (found) {
    unpack(options.certificates, open(found.value, keys), deps.log);
    return secret;
  }
  if (present.entries.length > 0) throw new StartError(tokenWrong);
  await options.makeFiles();
  await publish(options.certificates, keys, deps);
  return secret;
}

const tokenMissing =
  'token: the datastore holds a cluster already: give its token with --token or --token-file (it stands in server/token in the data folder of the first server)';
const tokenWrong =
  'token: the datastore holds a cluster with another token: give that one (it stands in server/token in the data folder of its servers), or use an empty datastore';

async function publish(
  certificates: string,
  keys: BootstrapKeys,
  { store, random, log }: BootstrapDeps,
): Promise<void> {
  const files = sharedFiles.filter(name => existsSync(join(certificates, name)));
  const content = files.map(name => [name, readFileSync(join(certificates, name), 'utf8')]);
  const value = seal(Buffer.from(JSON.stringify(Object.fromEntries(content))), keys, random);
  try {
    await store.write({ key: keys.name, value, expect: 0 });
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'conflict' && error.entry)) throw error;
    // Another server with the same token was first: its files count.
    return unpack(certificates, open(error.entry.value, keys), log);
  }
  const { entries } = await store.list({ prefix: folder });
  const first = entries.reduce((a, b) => (a.createRevision <= b.createRevision ? a : b));
  if (first.key === keys.name) return;
  // Two servers with different tokens began at the same moment: only one may have begun.
  const own = entries.find(({ key }) => key === keys.name);
  if (own) await store.write({ key: own.key, value: undefined, expect: own.revision });
  throw new StartError(tokenWrong);
}

function unpack(certificates: string, content: Buffer, log: Log): void {
  const files = JSON.parse(content.toString()) as Record<string, string>;
  for (const [name, text] of Object.entries(files)) {
    if (!sharedFiles.includes(name)) continue;
    const path = join(certificates, name);
    const isKnown = existsSync(path);
    if (isKnown && readFileSync(path, 'utf8') === text) continue;
    if (isKnown) log.warn('replacing what the datastore has otherwise', { path });
    writeFileAtomic(path, text, 0o600);
  }
}

interface BootstrapKeys {
  /** Where the files are: K3s' way of finding them by the token, but nobody who can read the store can try out tokens quickly. */
  readonly name: string;
  readonly root: Buffer;
}

const cipher = 'aes-256-gcm';
const [saltBytes, nonceBytes, tagBytes] = [16, 12, 16];

function keysOf(secret: string): BootstrapKeys {
  const derived = scryptSync(secret, 'wherry bootstrap', 64, { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 });
  return { name: folder + derived.subarray(0, 6).toString('hex'), root: derived.subarray(32) };
}

function keyFor(root: Buffer, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', root, salt, 'wherry bootstrap', 32));
}

/** Salt, nonce, tag, then what is encrypted. */
function seal(content: Buffer, { root }: BootstrapKeys, random: Random): Buffer {
  const [salt, nonce] = [random.bytes(saltBytes), random.bytes(nonceBytes)];
  const encrypting = createCipheriv(cipher, keyFor(root, salt), nonce);
  const body = Buffer.concat([encrypting.update(content), encrypting.final()]);
  return Buffer.concat([salt, nonce, encrypting.getAuthTag(), body]);
}

function open(sealed: Uint8Array, { root, name }: BootstrapKeys): Buffer {
  const part = (from: number, to?: number) => sealed.subarray(from, to);
  const decrypting = createDecipheriv(
    cipher,
    keyFor(root, part(0, saltBytes)),
    part(saltBytes, saltBytes + nonceBytes),
  );
  const start = saltBytes + nonceBytes + tagBytes;
  decrypting.setAuthTag(part(saltBytes + nonceBytes, start));
  try {
    return Buffer.concat([decrypting.update(part(start)), decrypting.final()]);
  } catch (cause) {
    throw new StartError(`token: ${name} in the datastore cannot be decrypted with it; is it damaged?`, { cause });
  }
}
