import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encryption } from '#apiserver';
import type { Random } from '#base';
import { writeFileAtomic } from './certificates.ts';
import { StartError } from './start-error.ts';

/** Where in a rotation the keys are; K3s' words. */
export type RotationStage = 'start' | 'prepare' | 'rotate' | 'reencrypt_finished';

interface Key {
  readonly provider: encryption.ProviderName;
  readonly name: string;
  readonly secret: string;
}

/** The server's own keys, first the one that writes. */
export interface KeyRing {
  readonly isEnabled: boolean;
  readonly stage: RotationStage;
  readonly keys: readonly Key[];
}

const resources = ['secrets'];

/** The two files of a folder: the configuration, as upstream's kube-apiserver reads it, and the stage. */
function filesOf(folder: string) {
  return { config: join(folder, 'encryption-config.json'), state: join(folder, 'encryption-state.json') };
}

/** Undefined: no key was ever made. Throws StartError when the files are damaged. */
export function readKeyRing(folder: string): KeyRing | undefined {
  const files = filesOf(folder);
  if (!existsSync(files.config)) return undefined;
  try {
    const { resources: rules } = JSON.parse(readFileSync(files.config, 'utf8'));
    const stage = existsSync(files.state) ? JSON.parse(readFileSync(files.state, 'utf8')).stage : 'start';
    const providers = rules[0].providers as Record<string, { keys?: { name: string; secret: string }[] }>[];
    const keys = providers.flatMap(provider =>
      Object.entries(provider).flatMap(([name, { keys: own = [] }]) =>
        own.map(key => ({ provider: name as encryption.ProviderName, ...key })),
      ),
    );
    return { isEnabled: !('identity' in providers[0]!), stage, keys };
  } catch (cause) {
    throw new StartError(
      `${files.config}: is damaged (${(cause as Error).message}); put back a copy, without it secrets cannot be read`,
      { cause },
    );
  }
}

/** Both files, readable by the owner only. */
export function writeKeyRing(folder: string, ring: KeyRing): void {
  const files = filesOf(folder);
  writeFileAtomic(files.config, `${formatKeyRing(ring)}\n`, 0o600);
  writeFileAtomic(files.state, `${JSON.stringify({ stage: ring.stage })}\n`, 0o600);
}

/** As an EncryptionConfiguration. */
export function formatKeyRing({ isEnabled, keys }: KeyRing): string {
  const sealed = keys.map(({ provider, name, secret }) => ({ [provider]: { keys: [{ name, secret }] } }));
  const providers = isEnabled ? [...sealed, { identity: {} }] : [{ identity: {} }, ...sealed];
  const apiVersion = 'apiserver.config.k8s.io/v1';
  return JSON.stringify(
    { apiVersion, kind: 'EncryptionConfiguration', resources: [{ resources, providers }] },
    null,
    2,
  );
}

/** `aescbckey`, and for later ones `aescbckey-20260101T120000Z`. */
export function makeKey(provider: encryption.ProviderName, random: Random, madeMs?: number): Key {
  const sizes = encryption.keySizesOf(provider);
  const suffix = madeMs === undefined ? '' : `-${new Date(madeMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const secret = Buffer.from(random.bytes(sizes.at(-1)!)).toString('base64');
  return { provider, name: `${provider}key${suffix}`, secret };
}
