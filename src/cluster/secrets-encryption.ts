import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { behaviours, createScheme } from '#api';
import { encryption, type PathRoute } from '#apiserver';
import type { Clock, Log, Meter, Random } from '#base';
import type { Store } from '#store';
import type { Request, Response } from '#wire';
import type { Config } from './config-table.ts';
import { type EncryptionAction, EncryptionActionError, encryptionActions, planAction } from './encryption-actions.ts';
import { formatKeyRing, type KeyRing, makeKey, readKeyRing, writeKeyRing } from './encryption-keys.ts';
import { StartError } from './start-error.ts';

/** Where the server tells and changes how secrets are encrypted; only administrators may. */
export const encryptionPath = '/wherry/secrets-encrypt';

/** How often a file of the user's is looked at for changes. */
const reloadMs = 10_000;
/** What an action says is short. */
const maxActionBytes = 4096;

/** What `wherry secrets-encrypt status` shows. */
export interface EncryptionStatus {
  /** `file`: the user's own configuration; no commands change it. */
  readonly status: 'Enabled' | 'Disabled' | 'file';
  /** Undefined: no key was ever made. */
  readonly stage?: string | undefined;
  readonly hash?: string | undefined;
  readonly keys: readonly { provider: string; name: string; isActive: boolean }[];
  /** How many values an action has written anew. */
  readonly rewritten?: number | undefined;
}

export interface SecretsEncryption {
  /** The store as the API server is to see it. */
  wrap(store: Store): Store & { isStale?(key: string): Promise<boolean> };
  readonly paths: Readonly<Record<string, PathRoute>>;
  /** Looks after the user's file until disposed; after `wrap`. */
  start(): Disposable;
}

interface Deps {
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** The key file has changed: where several servers share a store, the others need it. What it rejects with ends the action. */
  onKeys?: (() => Promise<void>) | undefined;
}

/** What the options say about encryption; undefined: values are stored as they are. Throws StartError or DocumentError naming file and field. */
export function openSecretsEncryption(config: Config, deps: Deps): SecretsEncryption {
  const file = config['encryption-provider-config'];
  if (file && config['secrets-encryption']) {
    throw new StartError(
      'secrets-encryption and encryption-provider-config: use one; the first makes its own key, the second uses your file',
    );
  }
  return file ? openFile(file, deps) : openOwn(config, deps);
}

const resourceOf = () => encryption.createResourceOf(createScheme(behaviours).kinds());

function openFile(path: string, { clock, random, log, meter }: Deps): SecretsEncryption {
  let text = readText(path);
  const options = { resourceOf: resourceOf(), meter };
  const current = encryption.createEncryption({
    ...options,
    rules: encryption.parseEncryptionConfig(path, text, random),
  });
  const reloads = meter.counter({
    name: 'apiserver_encryption_config_controller_automatic_reloads_total',
    help: 'Total number of reload successes and failures of encryption configuration split by apiserver identity.',
    labels: ['status'],
  });
  let store: encryption.EncryptedStore | undefined;
  const reload = async () => {
    const next = readText(path);
    if (next === text) return;
    text = next;
    const rules = encryption.parseEncryptionConfig(path, next, random);
    // Nothing must become unreadable: what the new file cannot open keeps the old one in force.
    await store?.verify(
      encryption.registryPrefix,
      encryption.createEncryption({ ...options, rules, meter: undefined }),
    );
    current.setRules(rules);
    reloads.add({ status: 'success' });
    log.info('the encryption configuration was read again', { file: path });
  };
  return {
    wrap: inner => (store = encryption.encryptStore(inner, current)),
    paths: { [encryptionPath]: request => answerFile(request) },
    start: () =>
      repeat(clock, async () => {
        await reload().catch((error: unknown) => {
          reloads.add({ status: 'failure' });
          log.error('the changed encryption configuration is not used', { file: path, error });
        });
      }),
  };
}

function answerFile(request: Request): Response {
  if (request.method === 'GET') return answer(200, { status: 'file', keys: [] } satisfies EncryptionStatus);
  return answer(409, { message: 'encryption-provider-config is in force: change that file' });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartError(`encryption-provider-config: cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function repeat(clock: Clock, step: () => Promise<void>): Disposable {
  let timer: Disposable;
  let isOver = false;
  const arm = () => {
    timer = clock.timer(reloadMs, () => void step().finally(() => isOver || arm()), { unref: true });
  };
  arm();
  return {
    [Symbol.dispose]() {
      isOver = true;
      timer[Symbol.dispose]();
    },
  };
}

const plainRules = [{ resources: ['secrets'], sealers: ['identity' as const] }];

/** The server's own keys in the folder; made when the options want them and there are none. */
export function ensureKeyRing(
  config: Pick<Config, 'secrets-encryption' | 'secrets-encryption-provider'>,
  { folder, random }: Pick<Deps, 'folder' | 'random'>,
): KeyRing | undefined {
  const cred = join(folder, 'cred');
  const present = readKeyRing(cred);
  const provider = config['secrets-encryption-provider'] as encryption.ProviderName;
  if (present || !config['secrets-encryption'] || !encryption.providerNames.includes(provider)) return present;
  const made: KeyRing = { isEnabled: true, stage: 'start', keys: [makeKey(provider, random)] };
  writeKeyRing(cred, made);
  return made;
}

/** The server's own key file. It is used as soon as it is there, also without the option: what is encrypted must stay readable. */
function openOwn(config: Config, { folder, clock, random, meter, onKeys }: Deps): SecretsEncryption {
  const cred = join(folder, 'cred');
  const provider = config['secrets-encryption-provider'] as encryption.ProviderName;
  if (!encryption.providerNames.includes(provider)) {
    throw new StartError(
      `secrets-encryption-provider: ${JSON.stringify(provider)} is not one of ${encryption.providerNames.join(', ')}`,
    );
  }
  let ring = ensureKeyRing(config, { folder, random });
  const rulesOf = (of: KeyRing) =>
    encryption.parseEncryptionConfig('encryption-config.json', formatKeyRing(of), random);
  const current = encryption.createEncryption({
    rules: ring ? rulesOf(ring) : plainRules,
    resourceOf: resourceOf(),
    meter,
  });
  let store: encryption.EncryptedStore | undefined;
  const act = async (action: EncryptionAction, flags: { isForced: boolean; keepsKeys: boolean }) => {
    ring ??= { isEnabled: false, stage: 'start', keys: [makeKey(provider, random)] };
    let rewritten: number | undefined;
    for (const step of planAction(ring, action, { ...flags, provider, random, nowMs: clock.now() })) {
      if (step === 'rewrite') {
        rewritten = await store!.rewrite(encryption.registryPrefix);
        continue;
      }
      // On disk first: a key that has been used must not be lost with the process.
      writeKeyRing(cred, step);
      await onKeys?.();
      current.setRules(rulesOf(step));
      ring = step;
    }
    return { ...statusOf(ring), rewritten };
  };
  let work: Promise<unknown> = Promise.resolve();
  return {
    wrap: inner => (store = encryption.encryptStore(inner, current)),
    start: () => ({ [Symbol.dispose]() {} }),
    paths: {
      async [encryptionPath](request) {
        if (request.method === 'GET') return answer(200, statusOf(ring));
        const wanted = JSON.parse(Buffer.from(await request.body(maxActionBytes)).toString() || '{}');
        const action = encryptionActions.find(name => name === wanted.action);
        if (!action) return answer(400, { message: `action must be one of ${encryptionActions.join(', ')}` });
        const done = work.then(() => act(action, { isForced: wanted.force === true, keepsKeys: wanted.skip === true }));
        // One after the other, whatever becomes of each.
        work = done.catch(() => undefined);
        try {
          return answer(200, await done);
        } catch (error) {
          if (error instanceof EncryptionActionError) return answer(409, { message: error.message });
          throw error;
        }
      },
    },
  };
}

function statusOf(ring: KeyRing | undefined): EncryptionStatus {
  if (!ring) return { status: 'Disabled', keys: [] };
  return {
    status: ring.isEnabled ? 'Enabled' : 'Disabled',
    stage: ring.stage,
    hash: createHash('sha256').update(formatKeyRing(ring)).digest('hex'),
    keys: ring.keys.map(({ provider, name }, index) => ({ provider, name, isActive: ring.isEnabled && index === 0 })),
  };
}

function answer(status: number, body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers, body: Buffer.from(`${JSON.stringify(body)}\n`) };
}
