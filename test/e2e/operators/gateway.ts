import type { Manifest } from '../manifests.ts';
import { age, definition, deployment, namespace, service, serviceAccount } from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { conditions, list, listMap, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `gateway-${suffix}.example.com`;
const hostname = (more: Schema = {}) =>
  text({
    minLength: 1,
    maxLength: 253,
    pattern: '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    ...more,
  });

function gatewaySchema(): Schema {
  const listener = object(
    {
      name: text({ minLength: 1, maxLength: 253 }),
      hostname: hostname(),
      port: whole({ format: 'int32', minimum: 1, maximum: 65_535 }),
      protocol: text({ minLength: 1, maxLength: 255 }),
      tls: object({ mode: text({ enum: ['Terminate', 'Passthrough'], default: 'Terminate' }) }),
      allowedRoutes: object(
        {
          namespaces: object(
            { from: text({ enum: ['All', 'Selector', 'Same'], default: 'Same' }) },
            { default: { from: 'Same' } },
          ),
        },
        { default: { namespaces: { from: 'Same' } } },
      ),
    },
    { required: ['name', 'port', 'protocol'] },
  );
  const listeners = listMap(['name'], listener, {
    ...{ minItems: 1, maxItems: 64 },
    'x-kubernetes-validations': [
      {
        rule: "self.all(l, l.protocol in ['TCP', 'UDP'] ? !has(l.hostname) || l.hostname == '' : true)",
        message: "hostname must not be set for protocols ['TCP', 'UDP']",
      },
      {
        rule: 'self.all(a, self.exists_one(b, a.port == b.port && a.protocol == b.protocol && (has(a.hostname) && has(b.hostname) ? a.hostname == b.hostname : !has(a.hostname) && !has(b.hostname))))',
        message: 'port, protocol and hostname must be unique together',
      },
    ],
  });
  const className = text({
    minLength: 1,
    maxLength: 253,
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'className is immutable' }],
  });
  return object(
    {
      spec: object({ className, listeners }, { required: ['className', 'listeners'] }),
      status: object(
        { conditions: conditions() },
        {
          default: {
            conditions: [
              {
                type: 'Accepted',
                status: 'Unknown',
                reason: 'Pending',
                message: 'Waiting for controller',
                lastTransitionTime: '1970-01-01T00:00:00Z',
              },
            ],
          },
        },
      ),
    },
    { required: ['spec'], description: createSentences(7, 60)() },
  );
}

function routeSchema(): Schema {
  const filter = object(
    {
      type: text({ enum: ['Headers', 'Redirect'] }),
      headers: object({
        set: listMap(
          ['name'],
          object({ name: text({ maxLength: 256 }), value: text({ maxLength: 4096 }) }, { required: ['name', 'value'] }),
          { maxItems: 16 },
        ),
      }),
      redirect: object({ statusCode: whole({ enum: [301, 302], default: 302 }) }),
    },
    {
      required: ['type'],
      'x-kubernetes-validations': [
        {
          rule: "!(has(self.headers) && self.type != 'Headers')",
          message: 'filter.headers must be nil if the filter.type is not Headers',
        },
        {
          rule: "!(!has(self.headers) && self.type == 'Headers')",
          messageExpression: "'filter.headers is needed for ' + self.type",
        },
      ],
    },
  );
  const backend = object(
    {
      kind: text({ maxLength: 63, default: 'Service' }),
      name: text({ minLength: 1, maxLength: 253 }),
      port: whole({ minimum: 1, maximum: 65_535 }),
      weight: whole({ minimum: 0, maximum: 1_000_000, default: 1 }),
    },
    {
      required: ['name'],
      'x-kubernetes-validations': [
        { rule: "self.kind == 'Service' ? has(self.port) : true", message: 'Must have port for Service reference' },
      ],
    },
  );
  const rule = object({
    filters: list(filter, {
      maxItems: 16,
      'x-kubernetes-list-type': 'atomic',
      'x-kubernetes-validations': [
        { rule: "self.filter(f, f.type == 'Redirect').size() <= 1", message: 'Redirect filter cannot be repeated' },
      ],
    }),
    backends: list(backend, { maxItems: 16 }),
  });
  const parents = list(
    object({ name: text({ maxLength: 253 }), section: text({ maxLength: 253 }) }, { required: ['name'] }),
    { maxItems: 32 },
  );
  return object({
    spec: object({
      parents,
      hostnames: list(hostname(), { maxItems: 16 }),
      rules: list(rule, { maxItems: 16, default: [{ backends: [] }] }),
    }),
  });
}

function manifests(suffix: string): Manifest[] {
  const space = `gateway-${suffix}`;
  const columns = [{ name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' }, age];
  return [
    definition({
      group: group(suffix),
      kind: 'Gateway',
      plural: 'gateways',
      short: ['gtw'],
      categories: ['gateway-api'],
      versions: [
        {
          name: 'v1',
          schema: gatewaySchema(),
          columns: [{ name: 'Class', type: 'string', jsonPath: '.spec.className' }, age],
        },
      ],
    }),
    definition({
      ...{ group: group(suffix), kind: 'HTTPRoute', plural: 'httproutes', labels: { channel: 'standard' } },
      versions: [
        { name: 'v1', schema: routeSchema(), columns },
        {
          name: 'v1beta1',
          schema: routeSchema(),
          columns,
          stored: false,
          deprecationWarning: 'The v1beta1 version of HTTPRoute has been deprecated: use v1.',
        },
        { name: 'v1alpha2', schema: routeSchema(), columns, stored: false, served: false },
      ],
    }),
    namespace(space),
    serviceAccount(space, 'gateway'),
    service(space, 'gateway'),
    deployment(space, 'gateway'),
  ];
}

function samples(suffix: string): Sample[] {
  const make = (kind: string, name: string, spec: object, version = 'v1'): Manifest => ({
    apiVersion: `${group(suffix)}/${version}`,
    kind,
    metadata: { name, namespace: 'unchecked' } as never,
    spec,
  });
  const http = { name: 'http', port: 80, protocol: 'HTTP' };
  const backends = [{ name: 'web', port: 80 }];
  return [
    {
      manifest: make('Gateway', 'edge', {
        className: 'shiny',
        listeners: [http, { name: 'https', port: 443, protocol: 'HTTPS', hostname: '*.example.com', tls: {} }],
      }),
      defaulted: {
        spec: { listeners: [{ allowedRoutes: { namespaces: { from: 'Same' } } }, { tls: { mode: 'Terminate' } }] },
        status: { conditions: [{ type: 'Accepted', status: 'Unknown' }] },
      },
      row: /\s+shiny\s+/,
      patches: [
        { patch: { metadata: { labels: { seen: 'yes' } } } },
        {
          patch: { spec: { className: 'dull' } },
          refused: /spec\.className: Invalid value: "dull": className is immutable/,
        },
      ],
    },
    {
      manifest: make('Gateway', 'named', {
        className: 'shiny',
        listeners: [{ ...http, protocol: 'TCP', hostname: 'a.example.com' }],
      }),
      refused: /spec\.listeners: Invalid value: .*hostname must not be set for protocols \['TCP', 'UDP'\]/,
    },
    {
      manifest: make('Gateway', 'same', { className: 'shiny', listeners: [http, { ...http, name: 'again' }] }),
      refused: /port, protocol and hostname must be unique together/,
    },
    {
      manifest: make('Gateway', 'high', { className: 'shiny', listeners: [{ ...http, port: 123_456 }] }),
      refused:
        /spec\.listeners\[0\]\.port: Invalid value: 123456: spec\.listeners\[0\]\.port in body should be less than or equal to 65535/,
    },
    {
      manifest: make('HTTPRoute', 'web', {
        parents: [{ name: 'edge' }],
        hostnames: ['web.example.com'],
        rules: [{ backends }],
      }),
      defaulted: { spec: { rules: [{ backends: [{ kind: 'Service', weight: 1 }] }] } },
      row: /\["web\.example\.com"\]/,
    },
    {
      manifest: make('HTTPRoute', 'old', { hostnames: ['old.example.com'] }, 'v1beta1'),
      defaulted: { spec: { rules: [{ backends: [] }] } },
      warned: /Warning: The v1beta1 version of HTTPRoute has been deprecated: use v1\./,
    },
    {
      manifest: make('HTTPRoute', 'gone', {}, 'v1alpha2'),
      refused: /no matches for kind "HTTPRoute" in version "gateway-\w+\.example\.com\/v1alpha2"/,
    },
    {
      manifest: make('HTTPRoute', 'portless', { rules: [{ backends: [{ name: 'web' }] }] }),
      refused: /spec\.rules\[0\]\.backends\[0\]: Invalid value: .*Must have port for Service reference/,
    },
    {
      manifest: make('HTTPRoute', 'empty', { rules: [{ filters: [{ type: 'Headers' }], backends }] }),
      refused: /spec\.rules\[0\]\.filters\[0\]: Invalid value: .*filter\.headers is needed for Headers/,
    },
    {
      manifest: make('HTTPRoute', 'twice', { rules: [{ filters: [{ type: 'Redirect' }, { type: 'Redirect' }] }] }),
      refused: /Redirect filter cannot be repeated/,
    },
  ];
}

/** Rules in CEL on lists and fields, several versions of which one warns and one is not served. */
export const gateway: Platform = {
  ...{ name: 'gateway', like: 'gateway-api', manifests, samples },
  explain: [
    {
      path: 'httproutes.spec.rules.filters',
      says: /VERSION:\s+v1\n[\s\S]*type\t<string> -required-\n\s+enum: Headers, Redirect/,
    },
  ],
};
