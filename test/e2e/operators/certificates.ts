import type { Manifest } from '../manifests.ts';
import {
  age,
  clusterRole,
  clusterRoleBinding,
  definition,
  deployment,
  leaderElection,
  namespace,
  ready,
  service,
  serviceAccount,
  webhook,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { conditions, createTypeSchemas, documented, flag, list, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `certificates-${suffix}.example.com`;
const usages = ['signing', 'digital signature', 'key encipherment', 'server auth', 'client auth'];

const issuerRef = () =>
  object(
    { name: text(), kind: text({ default: 'Issuer' }), group: text({ default: 'certificates.example.com' }) },
    { required: ['name'], 'x-kubernetes-map-type': 'atomic' },
  );

function certificateSchema(): Schema {
  const spec = object(
    {
      secretName: text({ minLength: 1 }),
      dnsNames: list(text(), { 'x-kubernetes-list-type': 'atomic' }),
      duration: text({ pattern: '^([0-9]+h)?([0-9]+m)?$' }),
      usages: list(text({ enum: usages })),
      issuerRef: issuerRef(),
      privateKey: object(
        {
          algorithm: text({ enum: ['RSA', 'ECDSA', 'Ed25519'], default: 'RSA' }),
          size: whole({ minimum: 256, maximum: 8192 }),
        },
        {
          'x-kubernetes-validations': [
            { rule: "self.algorithm != 'Ed25519' || !has(self.size)", message: 'size has no meaning for Ed25519' },
          ],
        },
      ),
      isCA: flag(),
    },
    {
      required: ['secretName', 'issuerRef'],
      'x-kubernetes-validations': [
        { rule: 'self.issuerRef == oldSelf.issuerRef', message: 'issuerRef is immutable' },
        {
          rule: 'has(self.dnsNames) || (has(self.isCA) && self.isCA)',
          message: 'a name is needed',
          fieldPath: '.dnsNames',
          reason: 'FieldValueRequired',
        },
      ],
    },
  );
  return object(
    {
      apiVersion: text(),
      kind: text(),
      metadata: { type: 'object' },
      spec,
      status: object({ conditions: conditions() }),
    },
    { description: 'A certificate kept in a secret.' },
  );
}

/** Solvers start pods: most of the schema is where they may run. */
function issuerSchema(): Schema {
  const typeOf = createTypeSchemas(createSentences(11, 24));
  const podTemplate = object({
    metadata: object({ labels: { type: 'object', additionalProperties: text() } }),
    spec: object({
      affinity: typeOf('io.k8s.api.core.v1.Affinity'),
      tolerations: list(typeOf('io.k8s.api.core.v1.Toleration')),
      securityContext: typeOf('io.k8s.api.core.v1.PodSecurityContext'),
    }),
  });
  const secretRef = () => object({ name: text(), key: text() }, { required: ['name'] });
  const open: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
  const solver = object({
    http: object({ podTemplate, parentRefs: list(typeOf('io.k8s.api.core.v1.ObjectReference')) }),
    ingress: object({ podTemplate, class: text(), serviceType: text() }),
    dns: object({ zone: text(), secretRef: secretRef(), webhook: object({ groupName: text(), config: open }) }),
    selector: object({ matchLabels: { type: 'object', additionalProperties: text() }, dnsNames: list(text()) }),
  });
  const spec = object({
    acme: object({ server: text({ format: 'uri' }), solvers: list(solver) }, { required: ['server'] }),
    ca: object({ secretName: text() }),
    vault: object({
      server: text(),
      path: text(),
      auth: object({ tokenSecretRef: secretRef() }),
      caBundle: text({ format: 'byte' }),
    }),
  });
  const status = object({ acme: object({ uri: text(), lastRegisteredEmail: text() }), conditions: conditions() });
  return documented(object({ spec, status }, { required: ['spec'] }), createSentences(12, 24));
}

function manifests(suffix: string): Manifest[] {
  const space = `certificates-${suffix}`;
  const schema = documented(certificateSchema(), createSentences(13, 40));
  const columns = [
    ready,
    { name: 'Secret', type: 'string', jsonPath: '.spec.secretName' },
    { name: 'Issuer', type: 'string', jsonPath: '.spec.issuerRef.name', priority: 1 },
    age,
  ];
  const aggregate = (verbs: string[], ...to: string[]) =>
    [
      [{ apiGroups: [group(suffix)], resources: ['certificates', 'issuers'], verbs }],
      Object.fromEntries(to.map(name => [`rbac.authorization.k8s.io/aggregate-to-${name}`, 'true'])),
    ] as const;
  const accounts = ['controller', 'injector', 'webhook'];
  const validated = { apiGroups: [group(suffix)], apiVersions: ['v1'], resources: ['*/*'] };
  // Where it must not be asked is told by a label, as nothing answers before the webhook runs.
  const elsewhere = {
    namespaceSelector: { matchExpressions: [{ key: 'unchecked', operator: 'NotIn', values: ['true'] }] },
    objectSelector: {},
  };
  return [
    namespace(space),
    definition({
      group: group(suffix),
      kind: 'Certificate',
      plural: 'certificates',
      short: ['cert', 'certs'],
      categories: ['security'],
      versions: [{ name: 'v1', schema, columns, selectable: ['.spec.issuerRef.name', '.spec.secretName'] }],
    }),
    definition({
      group: group(suffix),
      kind: 'Issuer',
      plural: 'issuers',
      versions: [{ name: 'v1', schema: issuerSchema(), columns: [ready, age] }],
    }),
    definition({
      group: group(suffix),
      kind: 'ClusterIssuer',
      plural: 'clusterissuers',
      scope: 'Cluster',
      versions: [{ name: 'v1', schema: issuerSchema(), columns: [ready, age] }],
    }),
    ...accounts.map(name => serviceAccount(space, name)),
    clusterRole(`${space}-view`, ...aggregate(['get', 'list', 'watch'], 'view', 'edit', 'admin')),
    clusterRole(`${space}-edit`, ...aggregate(['create', 'update', 'patch', 'delete'], 'edit', 'admin')),
    ...accounts.map(name => clusterRole(`${space}-${name}`, aggregate(['*'])[0])),
    ...accounts.map(name => clusterRoleBinding(space, `${space}-${name}`)),
    ...leaderElection(space, 'controller'),
    ...accounts.map(name => service(space, name)),
    ...accounts.map(name => deployment(space, name, ['--max-concurrent-challenges=60'])),
    webhook(space, 'validate', validated, elsewhere),
    webhook(space, 'default', validated, elsewhere),
  ];
}

function samples(suffix: string): Sample[] {
  const certificate = (name: string, spec: object, namespace = 'unchecked'): Manifest => ({
    apiVersion: `${group(suffix)}/v1`,
    kind: 'Certificate',
    metadata: { name, namespace } as never,
    spec,
  });
  const spec = { secretName: 'web', dnsNames: ['web.example.com'], issuerRef: { name: 'ca' } };
  return [
    {
      manifest: certificate('web', { ...spec, privateKey: { size: 2048 }, usages: ['server auth'] }),
      defaulted: {
        spec: { issuerRef: { kind: 'Issuer', group: 'certificates.example.com' }, privateKey: { algorithm: 'RSA' } },
      },
      patches: [
        { patch: { spec: { duration: '90h' } } },
        { patch: { spec: { issuerRef: { name: 'other' } } }, refused: /issuerRef is immutable/ },
      ],
      row: /\s+web\s+\S+/,
      selector: 'spec.issuerRef.name=ca',
    },
    {
      manifest: certificate('rash', { ...spec, usages: ['flying'] }),
      refused: /spec\.usages\[0\]: Unsupported value: "flying": supported values: "signing", /,
    },
    {
      manifest: certificate('sized', { ...spec, privateKey: { algorithm: 'Ed25519', size: 512 } }),
      refused: /spec\.privateKey: Invalid value: .*size has no meaning for Ed25519/,
    },
    {
      manifest: certificate('nameless', { ...spec, dnsNames: undefined }),
      refused: /spec\.dnsNames: Required value: a name is needed/,
    },
    {
      manifest: certificate('extra', { ...spec, colour: 'red' }),
      refused: /strict decoding error: unknown field "spec\.colour"/,
    },
    {
      manifest: certificate('checked', spec, 'default'),
      refused:
        /failed calling webhook "default\.certificates-\w+\.example\.com": failed to call webhook: Post "https:\/\/webhook\.certificates-\w+\.svc:443\/check\?timeout=5s": no endpoints available for service "webhook"/,
    },
  ];
}

/** Three definitions and the roles that join view, edit and admin; a webhook that stands before every object. */
export const certificates: Platform = {
  ...{ name: 'certificates', like: 'cert-manager', manifests, samples },
  explain: [
    {
      path: 'certificates.spec.privateKey',
      says: /KIND:\s+Certificate[\s\S]*algorithm\t<string>\n\s+enum: RSA, ECDSA, Ed25519/,
    },
  ],
};
