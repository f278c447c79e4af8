import { readFileSync } from 'node:fs';
import { type EtcdStoreOptions, openEtcdStore, type Store } from '#store';
import type { Cluster } from './cluster.ts';
import type { Config } from './config-table.ts';
import { StartError } from './start-error.ts';

type DatastoreConfig = Pick<
  Config,
  'datastore-endpoint' | 'datastore-cafile' | 'datastore-certfile' | 'datastore-keyfile' | 'etcd-prefix'
>;

const etcdPort = 2379;

/** Whether objects are kept where other servers keep theirs, too. */
export function isShared(config: Pick<Config, 'datastore-endpoint'>): boolean {
  return config['datastore-endpoint'] !== '';
}

/** Opens the etcd of the options. Throws StartError for what cannot be understood or read, StoreError when etcd does not answer. */
export function openDatastore(config: DatastoreConfig, deps: Pick<Cluster, 'clock' | 'log'>): Promise<Store> {
  return openEtcdStore(datastoreOptions(config), { clock: deps.clock, log: deps.log.child('store') });
}

/**
 * `http://a:2379`, or several as `https://user:password@a:2379,https://b:2379` (the user of the first one counts), with the files as K3s names them. Throws StartError
 * naming option, value and remedy.
 */
export function datastoreOptions(config: DatastoreConfig): EtcdStoreOptions {
  const texts = config['datastore-endpoint'].split(',').map(text => text.trim());
  const urls = texts.map(parseEndpoint);
  const [first] = urls;
  if (urls.some(({ protocol }) => protocol !== first!.protocol))
    throw new StartError('datastore-endpoint: http:// and https:// stand side by side; all members speak the same');
  const files = readFiles(config);
  if (first!.protocol === 'http:' && Object.values(files).some(file => file !== undefined))
    throw new StartError('datastore-endpoint: it is http://, but there are files for TLS; write https://');
  const user = first!.username && {
    name: decodeURIComponent(first!.username),
    password: decodeURIComponent(first!.password),
  };
  return {
    endpoints: urls.map(({ hostname, port }) => `${hostname}:${port || etcdPort}`),
    ...(first!.protocol === 'https:' && { tls: files }),
    ...(user && { user }),
    prefix: config['etcd-prefix'],
  };
}

function parseEndpoint(text: string): URL {
  const scheme = /^(\w+):\/\//.exec(text)?.[1];
  // The text may hold a password.
  const shown = text.replace(/\/\/.*@/, '//***@');
  if (scheme !== 'http' && scheme !== 'https') {
    const what = scheme ? `${scheme} is not supported` : `${JSON.stringify(shown)} is not a URL`;
    throw new StartError(
      `datastore-endpoint: ${what}: write http://host:2379 or https://host:2379 of etcd 3.4 or newer, or leave it empty for SQLite in the data folder`,
    );
  }
  try {
    return new URL(text);
  } catch {
    throw new StartError(`datastore-endpoint: ${JSON.stringify(shown)} is not a URL like https://host:2379`);
  }
}

function readFiles(config: DatastoreConfig): { ca?: string; cert?: string; key?: string } {
  const read = (name: 'datastore-cafile' | 'datastore-certfile' | 'datastore-keyfile') => {
    if (!config[name]) return undefined;
    try {
      return readFileSync(config[name], 'utf8');
    } catch (cause) {
      throw new StartError(`${name}: ${config[name]} cannot be read: ${(cause as Error).message}`, { cause });
    }
  };
  const [ca, cert, key] = [read('datastore-cafile'), read('datastore-certfile'), read('datastore-keyfile')];
  if (!cert !== !key) throw new StartError('datastore-certfile and datastore-keyfile go together');
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
