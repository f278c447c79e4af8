import type { Manifest } from '../manifests.ts';
import { age, definition, deployment, namespace, service, serviceAccount } from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { hostname, routeSchema } from './route-schema.ts';
import { conditions, documented, listMap, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `gateway-${suffix}.example.com`;
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
  const schema = object(
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
  return documented(schema, createSentences(9, 110));
}

function manifests(suffix: string): Manifest[] {
  const space = `gateway-${suffix}`;
  const route = routeSchema();
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
        { name: 'v1', schema: route, columns },
        {
          name: 'v1beta1',
          schema: route,
          columns,
          stored: false,
          deprecationWarning: 'The v1beta1 version of HTTPRoute has been deprecated: use v1.',
        },
        { name: 'v1alpha2', schema: route, columns, stored: false, served: false },
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
      defaulted: {
        spec: {
          rules: [
            { matches: [{ path: { type: 'PathPrefix', value: '/' } }], backends: [{ kind: 'Service', weight: 1 }] },
          ],
        },
      },
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
      refused: /spec\.rules\[0\]\.filters: Invalid value: .*Redirect filter cannot be repeated/,
    },
    {
      manifest: make('HTTPRoute', 'deep', {
        rules: [{ backends: [{ ...backends[0], filters: [{ type: 'Mirror', mirror: { backend: { name: 'x' } } }] }] }],
      }),
      refused:
        /spec\.rules\[0\]\.backends\[0\]\.filters\[0\]\.mirror\.backend: Invalid value: .*Must have port for Service reference/,
    },
    {
      manifest: make('HTTPRoute', 'slow', {
        rules: [{ timeouts: { request: '1s', backendRequest: '1m30s' }, backends }],
      }),
      refused:
        /spec\.rules\[0\]\.timeouts: Invalid value: .*backendRequest timeout cannot be longer than request timeout/,
    },
    {
      manifest: make('HTTPRoute', 'paths', { rules: [{ matches: [{ path: { value: '/a//b' } }], backends }] }),
      refused: /spec\.rules\[0\]\.matches\[0\]\.path: Invalid value: .*must not contain '\/\/' when type one of/,
    },
    {
      manifest: make('HTTPRoute', 'many', {
        rules: Array.from({ length: 3 }, () => ({ matches: Array.from({ length: 43 }, () => ({ method: 'GET' })) })),
      }),
      refused: /spec\.rules: Invalid value: .*the total number of matches must be less than 128/,
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
