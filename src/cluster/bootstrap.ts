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
const prefix = '/bootstrap/';

/** What every server of a cluster must have alike, in the server's folder. */
export const sharedFiles: readonly string[] = [
  ...authorityNames.flatMap(name => [`tls/${name}.crt`, `tls/${name}.key`]),
  'tls/service.key',
  'cred/encryption-config.json',
  'cred/encryption-state.json',
];

export interface Bootstrap {
  /** Of the server token. */
  readonly secret: string;
  /** The shared files have changed here: other servers find the new ones when they start. */
  publish(): Promise<void>;
}

/**
 * Makes the shared files of all servers on one store the same: the first server writes its own into the store, encrypted with the secret of the server token; others
 * find them there. `makeFiles` makes those that are wanted and missing; what others do not have yet is added. Throws StartError when the store belongs to a cluster
 * with another token.
 *
 * @param options `folder`: the server's; `secret` of the token, undefined when none is known, which only the first server may say.
 */
export async function shareBootstrap(
  options: { folder: string; secret: string | undefined; makeFiles(): Promise<void> },
  deps: BootstrapDeps,
): Promise<Bootstrap> {
  const { store, random, log } = deps;
  const { entries } = await store.list({ prefix });
  if (options.secret === undefined && entries.length > 0) throw new StartError(tokenMissing);
  const secret = options.secret ?? Buffer.from(random.bytes(16)).toString('hex');
  const keys = keysOf(secret);
  if (entries.length > 0 && !entries.some(({ key }) => key === keys.name)) throw new StartError(tokenWrong);
  await agree(deps, keys, known => {
    unpack(options.folder, known, log);
    return options.makeFiles().then(() => readFiles(options.folder));
  });
  await checkOnly(keys, deps);
  const publish = () => agree(deps, keys, async () => readFiles(options.folder));
  return { secret, publish };
}

type Files = Readonly<Record<string, string>>;

/** Stores what `decide` makes of what is stored; again when another server was faster. */
async function agree(
  { store, random }: BootstrapDeps,
  keys: BootstrapKeys,
  decide: (known: Files) => Promise<Files>,
): Promise<void> {
  for (;;) {
    const entry = await store.get(keys.name);
    const known: Files = entry ? JSON.parse(open(entry.value, keys).toString()) : {};
    const wanted = { ...known, ...(await decide(known)) };
    if (entry && Object.entries(wanted).every(([name, text]) => known[name] === text)) return;
    const value = seal(Buffer.from(JSON.stringify(wanted)), keys, random);
    try {
      await store.write({ key: keys.name, value, expect: entry?.revision ?? 0 });
      return;
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
    }
  }
}

/** Two servers with different tokens that began at the same moment: only one may have begun. */
async function checkOnly(keys: BootstrapKeys, { store }: BootstrapDeps): Promise<void> {
  const { entries } = await store.list({ prefix });
  const first = entries.reduce((a, b) => (a.createRevision <= b.createRevision ? a : b));
  if (first.key === keys.name) return;
  const own = entries.find(({ key }) => key === keys.name);
  if (own) await store.write({ key: own.key, value: undefined, expect: own.revision });
  throw new StartError(tokenWrong);
}

const tokenMissing =
  'token: the datastore holds a cluster already: give its token with --token or --token-file (it stands in server/token in the data folder of the first server)';
const tokenWrong =
  'token: the datastore holds a cluster with another token: give that one (it stands in server/token in the data folder of its servers), or use an empty datastore';

function readFiles(folder: string): Files {
  const present = sharedFiles.filter(name => existsSync(join(folder, name)));
  return Object.fromEntries(present.map(name => [name, readFileSync(join(folder, name), 'utf8')]));
}

function unpack(folder: string, files: Files, log: Log): void {
  for (const [name, text] of Object.entries(files)) {
    if (!sharedFiles.includes(name)) continue;
    const path = join(folder, name);
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
  return { name: prefix + derived.subarray(0, 6).toString('hex'), root: derived.subarray(32) };
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
