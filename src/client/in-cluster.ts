import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientError } from './errors.ts';
import type { ServerAccess } from './server-access.ts';

/** Where every pod finds its service account. */
const mount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * How a program in a pod reaches the API: the kubernetes Service from the environment, the mounted token and authority. Throws ClientError
 * `configuration` outside a pod.
 */
export function loadInCluster(env: Readonly<Record<string, string | undefined>>, directory = mount): ServerAccess {
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT']];
  if (!host || !port) {
    const message = 'not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set';
    throw new ClientError('configuration', message);
  }
  const read = (name: string) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (cause) {
      throw new ClientError('configuration', `cannot read ${join(directory, name)}`, { cause });
    }
  };
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: read('ca.crt'),
    tokenFile: join(directory, 'token'),
    namespace: read('namespace').trim(),
  };
}
