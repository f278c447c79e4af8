import type { Command } from './command.ts';

/** Every subcommand, in the order of the help text. */
export const commands: readonly Command[] = [
  {
    name: 'server',
    usage: '[options]',
    sentence: 'Run a cluster: control plane and, unless --disable-agent, a node.',
    load: () => import('./server.ts'),
  },
  {
    name: 'agent',
    usage: '--server URL --token TOKEN [options]',
    sentence: 'Run a node that joins a server.',
    load: () => import('./agent.ts'),
  },
  {
    name: 'kubectl',
    usage: '[kubectl arguments]',
    sentence: "Run this machine's kubectl with the admin kubeconfig.",
    load: () => import('./kubectl.ts'),
  },
  {
    name: 'check',
    usage: '[options]',
    sentence: 'Tell what this machine lacks for running pods, with the remedy for each.',
    load: () => import('./check.ts'),
  },
  {
    name: 'killall',
    usage: '[options]',
    sentence: 'Stop every pod of this node and remove what the node agent left in the kernel; data stays.',
    load: () => import('./killall.ts'),
  },
  {
    name: 'image',
    usage: 'build FOLDER --output FILE | import FILE... | list',
    sentence: 'Make container images from Debian packages, load archives, list what the node has.',
    load: () => import('./image.ts'),
  },
  {
    name: 'token',
    usage: 'show | create [--ttl 24h] | list | delete ID',
    sentence: 'Tokens with which nodes join.',
    load: () => import('./token.ts'),
  },
  {
    name: 'certificate',
    usage: 'check | rotate',
    sentence: "The server's certificates: how long they last, and new ones.",
    load: () => import('./certificate.ts'),
  },
  {
    name: 'secrets-encrypt',
    usage: 'status | enable | disable | prepare | rotate | reencrypt | rotate-keys',
    sentence: 'How secrets are encrypted in the store, and new keys for them.',
    load: () => import('./secrets-encrypt.ts'),
  },
  {
    name: 'datastore',
    usage: 'migrate --datastore-endpoint URL [options]',
    sentence: 'Move a stopped cluster from the SQLite file in its data folder to etcd.',
    load: () => import('./datastore.ts'),
  },
  {
    name: 'config',
    usage: 'print | reference',
    sentence: 'The options as they stand on this machine, or all of them described.',
    load: () => import('./config.ts'),
  },
  { name: 'version', usage: '', sentence: 'Print the version.', load: () => import('./version.ts') },
];
