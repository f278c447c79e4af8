/**
 * The one table of options. Flags (`--data-dir`), environment (`WHERRY_DATA_DIR`), the configuration file (`data-dir:`), `wherry config print`,
 * and docs/reference/config.md all come from it. Names follow K3s where it has the option.
 */
export interface ConfigKey {
  readonly type: 'string' | 'boolean' | 'integer' | 'list';
  readonly default: string | boolean | number | readonly string[];
  /** Commands that take it. */
  readonly roles: readonly ('server' | 'agent')[];
  readonly sentence: string;
  /** Never printed. */
  readonly secret?: boolean;
}

const both = ['server', 'agent'] as const;
const server = ['server'] as const;
const agent = ['agent'] as const;

export const configTable = {
  'data-dir': { type: 'string', default: '/var/lib/wherry', roles: both, sentence: 'Folder that holds all state.' },
  'log-level': { type: 'string', default: 'info', roles: both, sentence: 'debug, info, warn or error.' },
  'log-format': { type: 'string', default: 'text', roles: both, sentence: 'text or json.' },
  'bind-address': { type: 'string', default: '0.0.0.0', roles: server, sentence: 'Address on which the API listens.' },
  'https-listen-port': {
    type: 'integer',
    default: 6443,
    roles: server,
    sentence: 'Port of the API; 0 takes a free one.',
  },
  'advertise-address': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'Address under which other machines and pods reach the API; empty: that of the default route.',
  },
  'tls-san': {
    type: 'list',
    default: [],
    roles: server,
    sentence: "Further names and addresses in the API's certificate.",
  },
  'write-kubeconfig': {
    type: 'string',
    default: '/etc/wherry/wherry.yaml',
    roles: server,
    sentence: 'Where the admin kubeconfig is written.',
  },
  'write-kubeconfig-mode': { type: 'string', default: '0600', roles: server, sentence: 'File mode of the kubeconfig.' },
  'cluster-cidr': { type: 'string', default: '10.42.0.0/16', roles: server, sentence: 'Addresses of pods.' },
  'service-cidr': { type: 'string', default: '10.43.0.0/16', roles: server, sentence: 'Addresses of Services.' },
  'service-node-port-range': {
    type: 'string',
    default: '30000-32767',
    roles: server,
    sentence: 'Ports for NodePort Services.',
  },
  'cluster-dns': { type: 'string', default: '10.43.0.10', roles: server, sentence: 'Address of the cluster DNS.' },
  'cluster-domain': { type: 'string', default: 'cluster.local', roles: server, sentence: 'Domain of the cluster DNS.' },
  'disable-agent': {
    type: 'boolean',
    default: false,
    roles: server,
    sentence: 'Run the control plane only: no pods run here.',
  },
  'datastore-endpoint': {
    type: 'string',
    default: '',
    roles: server,
    // It may hold a password.
    secret: true,
    sentence:
      'Where objects are kept: members of an etcd as https://a:2379,https://b:2379, user:password@ before the first where it asks for that; empty: SQLite in the data folder.',
  },
  'datastore-cafile': { type: 'string', default: '', roles: server, sentence: "File with etcd's authority." },
  'datastore-certfile': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'File with the certificate that is shown to etcd.',
  },
  'datastore-keyfile': { type: 'string', default: '', roles: server, sentence: 'File with its key.' },
  'etcd-prefix': {
    type: 'string',
    default: '/registry',
    roles: server,
    sentence: 'What keys of objects begin with in etcd.',
  },
  'event-ttl': {
    type: 'string',
    default: '1h',
    roles: server,
    sentence: 'How long events are kept after they were last written, like 1h30m.',
  },
  'shutdown-delay-duration': {
    type: 'string',
    default: '0s',
    roles: server,
    sentence: 'How long a server that is told to stop goes on answering, though /readyz fails, like 30s.',
  },
  'tracing-config-file': {
    type: 'string',
    default: '',
    roles: server,
    sentence: "File with a TracingConfiguration as kube-apiserver's; its endpoint takes OTLP over HTTP.",
  },
  'authentication-config': {
    type: 'string',
    default: '',
    roles: server,
    sentence:
      "File with an AuthenticationConfiguration, as kube-apiserver's: OpenID providers, anonymous paths; changes are taken over.",
  },
  'authentication-token-webhook-config-file': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'Kubeconfig of the server that is asked whose a token is.',
  },
  'authentication-token-webhook-cache-ttl': {
    type: 'string',
    default: '2m',
    roles: server,
    sentence: 'How long its answers are kept.',
  },
  'authorization-config': {
    type: 'string',
    default: '',
    roles: server,
    sentence:
      "File with an AuthorizationConfiguration, as kube-apiserver's: authorizers in order, webhooks among them; changes are taken over.",
  },
  'admission-control-config-file': {
    type: 'string',
    default: '',
    roles: server,
    sentence:
      "File with an AdmissionConfiguration, as kube-apiserver's: defaults and exemptions of PodSecurity; read at start.",
  },
  'audit-policy-file': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'File with the audit policy: what is written about which requests; empty: nothing is.',
  },
  'audit-log-path': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'Where audit events are written, one JSON line each; - is standard output.',
  },
  'audit-log-maxsize': {
    type: 'integer',
    default: 100,
    roles: server,
    sentence: 'Size in MiB at which an audit log is put aside.',
  },
  'audit-log-maxage': {
    type: 'integer',
    default: 0,
    roles: server,
    sentence: 'Days for which audit logs put aside are kept; 0: for ever.',
  },
  'audit-log-maxbackup': {
    type: 'integer',
    default: 0,
    roles: server,
    sentence: 'How many audit logs put aside are kept; 0: all.',
  },
  'audit-webhook-config-file': {
    type: 'string',
    default: '',
    roles: server,
    sentence: 'Kubeconfig of the server that audit events are sent to.',
  },
  'audit-webhook-batch-buffer-size': {
    type: 'integer',
    default: 10000,
    roles: server,
    sentence: 'Audit events that wait for the webhook before they are dropped.',
  },
  'secrets-encryption': {
    type: 'boolean',
    default: false,
    roles: server,
    sentence: 'Encrypt secrets in the store with a key that is made in the data folder.',
  },
  'secrets-encryption-provider': {
    type: 'string',
    default: 'aescbc',
    roles: server,
    sentence: 'Cipher of keys that are made: aescbc, aesgcm or secretbox.',
  },
  'encryption-provider-config': {
    type: 'string',
    default: '',
    roles: server,
    sentence: "File with an EncryptionConfiguration of your own, as kube-apiserver's; changes are taken over.",
  },
  token: {
    type: 'string',
    default: '',
    roles: both,
    secret: true,
    sentence: 'Secret that lets agents join; on a server empty: made at the first start.',
  },
  'token-file': { type: 'string', default: '', roles: both, sentence: 'File that holds the token.' },
  server: { type: 'string', default: '', roles: agent, sentence: 'URL of the server to join, https://host:6443.' },
  'node-name': { type: 'string', default: '', roles: both, sentence: 'Name of this node; empty: the host name.' },
  'node-ip': {
    type: 'string',
    default: '',
    roles: both,
    sentence: 'Address of this node; empty: that of the default route.',
  },
  'node-label': {
    type: 'list',
    default: [],
    roles: both,
    sentence: 'Labels (key=value) that the node registers with.',
  },
  'node-taint': {
    type: 'list',
    default: [],
    roles: both,
    sentence: 'Taints (key=value:effect) that the node registers with.',
  },
  'kubelet-port': {
    type: 'integer',
    default: 10250,
    roles: both,
    sentence: "Port of the node agent's own HTTPS server.",
  },
  'max-pods': { type: 'integer', default: 110, roles: both, sentence: 'Pods that the node takes.' },
  'resolv-conf': {
    type: 'string',
    default: '/etc/resolv.conf',
    roles: both,
    sentence: 'Resolver file for names outside the cluster.',
  },
  'cni-bin-dir': {
    type: 'string',
    default: '',
    roles: both,
    sentence: 'Folder of the CNI plugins; empty: the first usual one that has them.',
  },
  'pod-manifest-path': {
    type: 'string',
    default: '',
    roles: both,
    sentence: 'Folder of static pods; empty: agent/pod-manifests in the data folder.',
  },
} as const satisfies Record<string, ConfigKey>;

export type ConfigName = keyof typeof configTable;
type ValueOf<K extends ConfigKey> = K['type'] extends 'boolean'
  ? boolean
  : K['type'] extends 'integer'
    ? number
    : K['type'] extends 'list'
      ? readonly string[]
      : string;

/** Every option with its value. */
export type Config = { readonly [N in ConfigName]: ValueOf<(typeof configTable)[N]> };

/** The environment variable of an option: `data-dir` is WHERRY_DATA_DIR. */
export function environmentName(name: string): string {
  return `WHERRY_${name.toUpperCase().replaceAll('-', '_')}`;
}
