import type { Secret } from '#api';
import type { AuthConfig } from '#wire';
import { splitImageName } from './image-name.ts';

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** What the pull secrets offer for the image, the most specific first; empty: pull without. Source: upstream's pkg/credentialprovider/keyring.go. */
export function credentialsFor(image: string, secrets: readonly Secret[]): AuthConfig[] {
  const { registry, path } = splitImageName(image);
  const names = registry === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [registry];
  const offers = secrets.flatMap(secret => Object.entries(readSecret(secret)));
  return offers
    .filter(([key]) => names.some(name => matches(key, name, path)))
    .sort(([a], [b]) => b.length - a.length)
    .map(([, auth]) => toAuth(auth));
}

function readSecret({ type, data = {} }: Secret): Record<string, DockerAuth> {
  const read = (key: string): unknown => {
    try {
      return JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString('utf8'));
    } catch {
      // The API server has checked it; what slipped through offers nothing.
      return {};
    }
  };
  if (type === 'kubernetes.io/dockerconfigjson') {
    return (read('.dockerconfigjson') as { auths?: Record<string, DockerAuth> }).auths ?? {};
  }
  return type === 'kubernetes.io/dockercfg' ? (read('.dockercfg') as Record<string, DockerAuth>) : {};
}

/** `https://index.docker.io/v1/`, `*.example.com`, `example.com:5000/team` against a registry and a path. */
function matches(key: string, registry: string, path: string): boolean {
  const [host = '', ...rest] = key.replace(/^https?:\/\//, '').split('/');
  const prefix = rest
    .join('/')
    .replace(/^v[12]\/?$/, '')
    .replace(/\/$/, '');
  const [hostName, hostPort] = host.split(':');
  const [name, port] = registry.split(':');
  if (hostPort !== port) return false;
  const parts = hostName!.split('.');
  const wanted = name!.split('.');
  const sameHost = parts.length === wanted.length && parts.every((part, at) => globMatches(part, wanted[at]!));
  return sameHost && (prefix === '' || path === prefix || path.startsWith(`${prefix}/`));
}

function globMatches(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text;
  const [start = '', ...ends] = pattern.split('*');
  let at = text.startsWith(start) ? start.length : -1;
  for (const [index, end] of ends.entries()) {
    if (at < 0) return false;
    const found = index === ends.length - 1 ? text.lastIndexOf(end) : text.indexOf(end, at);
    at = found < at ? -1 : found + end.length;
  }
  return at === text.length;
}

/** No server address, as upstream: the runtime would compare it with the host that it asks, which a mirror or Docker Hub's own names differ from. */
function toAuth(entry: DockerAuth): AuthConfig {
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return {
    username: entry.username ?? decoded.slice(0, Math.max(0, colon)),
    password: entry.password ?? decoded.slice(colon + 1),
    ...(entry.identitytoken && { identityToken: entry.identitytoken }),
    ...(entry.registrytoken && { registryToken: entry.registrytoken }),
  };
}
