import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { ClientError } from './errors.ts';
import type { ServerAccess } from './server-access.ts';

type Fields = Record<string, unknown>;
interface Named {
  name?: string;
  [part: string]: unknown;
}

export interface KubeconfigOptions {
  /** Default: the file's current-context. */
  context?: string | undefined;
  /** Where relative file names in it start: the kubeconfig's own folder. */
  directory?: string | undefined;
}

/**
 * Reads a kubeconfig and follows one context. Files it names (certificates, keys) are read at once, but the token file. Throws ClientError
 * `configuration` that names what is missing; also for exec and auth-provider users, which this client does not run.
 */
export function loadKubeconfig(text: string, options: KubeconfigOptions = {}): ServerAccess {
  const config = parseConfig(text);
  const contextName = options.context ?? (config['current-context'] as string | undefined);
  if (!contextName) throw wrong('no current-context is set; name a context');
  const context = find(config, 'contexts', 'context', contextName);
  const cluster = find(config, 'clusters', 'cluster', String(context['cluster'] ?? ''));
  const user = context['user'] ? find(config, 'users', 'user', String(context['user'])) : {};
  for (const unsupported of ['exec', 'auth-provider', 'username', 'password']) {
    if (user[unsupported]) throw wrong(`user ${context['user']} uses ${unsupported}, which is not supported`);
  }
  const server = cluster['server'];
  if (typeof server !== 'string' || !server) throw wrong(`cluster ${context['cluster']} has no server`);
  const directory = options.directory ?? '.';
  const tokenFile = user['tokenFile'] as string | undefined;
  return {
    server,
    ca: pem(cluster, 'certificate-authority', directory),
    cert: pem(user, 'client-certificate', directory),
    key: pem(user, 'client-key', directory),
    token: user['token'] as string | undefined,
    tokenFile: tokenFile && resolve(directory, tokenFile),
    tlsServerName: cluster['tls-server-name'] as string | undefined,
    insecure: cluster['insecure-skip-tls-verify'] === true,
    namespace: context['namespace'] as string | undefined,
  };
}

/** Writes a kubeconfig with one cluster, user and context, all called `name`; certificates are embedded. The inverse of loadKubeconfig. */
export function formatKubeconfig(access: ServerAccess & { name: string }): string {
  const { name, server, tlsServerName, insecure, namespace, token, tokenFile } = access;
  const base64 = (text: string | undefined) => text && Buffer.from(text).toString('base64');
  const cluster = {
    'certificate-authority-data': base64(access.ca),
    server,
    'tls-server-name': tlsServerName,
    'insecure-skip-tls-verify': insecure || undefined,
  };
  const user = {
    'client-certificate-data': base64(access.cert),
    'client-key-data': base64(access.key),
    token,
    tokenFile,
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    contexts: [{ name, context: { cluster: name, namespace, user: name } }],
    'current-context': name,
    preferences: {},
    users: [{ name, user }],
  };
  return stringify(JSON.parse(JSON.stringify(config)), { lineWidth: 0 });
}

function parseConfig(text: string): Fields {
  let config: unknown;
  try {
    config = parse(text);
  } catch (cause) {
    throw new ClientError('configuration', `kubeconfig: not YAML: ${(cause as Error).message}`, { cause });
  }
  if (typeof config !== 'object' || config === null) throw wrong('it is empty');
  return config as Fields;
}

function find(config: Fields, list: string, part: string, name: string): Fields {
  const entries = Array.isArray(config[list]) ? (config[list] as Named[]) : [];
  const entry = entries.find(one => one.name === name);
  if (!entry) throw wrong(`there is no ${part} ${JSON.stringify(name)} among ${list}`);
  return (entry[part] ?? {}) as Fields;
}

/** `<field>-data` in base64, or the file that `<field>` names. */
function pem(fields: Fields, field: string, directory: string): string | undefined {
  const embedded = fields[`${field}-data`];
  if (typeof embedded === 'string' && embedded) return Buffer.from(embedded, 'base64').toString();
  const file = fields[field];
  if (typeof file !== 'string' || !file) return undefined;
  try {
    return readFileSync(resolve(directory, file), 'utf8');
  } catch (cause) {
    throw new ClientError('configuration', `kubeconfig: cannot read ${field} ${file}`, { cause });
  }
}

function wrong(text: string): ClientError {
  return new ClientError('configuration', `kubeconfig: ${text}`);
}
