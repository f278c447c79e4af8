import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, createSystemClock } from '#base';
import { type Client, createClient, createHttpsTransport, loadKubeconfig } from '#client';
import type { Config } from './config-table.ts';
import { type BootstrapToken, createBootstrapToken, deleteBootstrapToken, listBootstrapTokens } from './join-tokens.ts';
import { pathsOf } from './paths.ts';
import { encryptionPath } from './secrets-encryption.ts';
import { StartError } from './start-error.ts';
import { formatBootstrapToken } from './token.ts';
import { version } from './version.ts';

/** What the commands do to a cluster that runs on this machine, with the admin's rights. Errors are StartError. */
export interface Admin extends AsyncDisposable {
  /** Makes a token with which nodes join, and gives it in full. */
  createToken(options: { ttlMs: number | undefined; description: string }): Promise<string>;
  tokens(): Promise<BootstrapToken[]>;
  /** False when there is no such token. */
  deleteToken(id: string): Promise<boolean>;
  /** Status without an action. Answers with the HTTP status and the parsed body. */
  secretsEncryption(action?: object): Promise<{ status: number; body: unknown }>;
}

/** Reaches the server of this machine through the admin kubeconfig. */
export function openAdmin(config: Config): Admin {
  const transport = createHttpsTransport({ ...readAccess(config), timeoutMs: 10_000 });
  const client: Client = createClient({ transport, userAgent: `wherry/${version.wherry}`, fieldManager: 'wherry' });
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw new StartError(`the server does not do it: ${(cause as Error).message}; does it run?`, { cause });
    }
  };
  return {
    createToken: options =>
      call(async () => {
        const made = await createBootstrapToken(client, {
          ...options,
          clock: createSystemClock(),
          random: createRandom(),
        });
        const authority = readFileSync(join(pathsOf(config).certificates, 'server-ca.crt'), 'utf8');
        return formatBootstrapToken({ authority, ...made });
      }),
    tokens: () => call(() => listBootstrapTokens(client)),
    deleteToken: id => call(() => deleteBootstrapToken(client, id)),
    secretsEncryption: action =>
      call(async () => {
        const request = action
          ? {
              method: 'POST',
              path: encryptionPath,
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify(action),
            }
          : { method: 'GET', path: encryptionPath };
        const { status, body } = await transport.send(request);
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        return { status, body: JSON.parse(Buffer.concat(chunks).toString()) };
      }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

/** The server's own token, in full. */
export function serverToken(config: Config): string {
  const path = pathsOf(config).tokenFile;
  if (!existsSync(path)) throw new StartError(`${path}: no token; it is made when a server starts with this data-dir`);
  return readFileSync(path, 'utf8').trim();
}

function readAccess(config: Config) {
  const path = config['write-kubeconfig'];
  if (!existsSync(path))
    throw new StartError(`${path}: no kubeconfig; a server writes it when it starts (or say --write-kubeconfig)`);
  return loadKubeconfig(readFileSync(path, 'utf8'));
}
