import { conditions, documented, list, listMap, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

type Rule = { rule: string; message?: string; messageExpression?: string };

const ruled = (...rules: Rule[]) => ({ 'x-kubernetes-validations': rules });

export const hostname = (more: Schema = {}) =>
  text({
    minLength: 1,
    maxLength: 253,
    pattern: '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    ...more,
  });

const duration = () => text({ pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' });

const named = (maxValue: number, more: Record<string, Schema> = {}) =>
  listMap(
    ['name'],
    object(
      {
        name: text({ minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$" }),
        value: text({ minLength: 1, maxLength: maxValue }),
        ...more,
      },
      { required: ['name', 'value'] },
    ),
    { maxItems: 16 },
  );

const matchType = () => text({ enum: ['Exact', 'RegularExpression'], default: 'Exact' });

function match(): Schema {
  const path = object(
    {
      type: text({ enum: ['Exact', 'PathPrefix', 'RegularExpression'], default: 'PathPrefix' }),
      value: text({ maxLength: 1024, default: '/' }),
    },
    {
      default: { type: 'PathPrefix', value: '/' },
      ...ruled(
        {
          rule: "(self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true",
          message: "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
        },
        ...['//', '/./', '/../', '%2f', '#'].map(part => ({
          rule: `(self.type in ['Exact','PathPrefix']) ? !self.value.contains('${part}') : true`,
          message: `must not contain '${part}' when type one of ['Exact', 'PathPrefix']`,
        })),
        {
          rule: '(self.type in [\'Exact\',\'PathPrefix\']) ? self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&\'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""") : true',
          message: "must only contain valid characters for types ['Exact', 'PathPrefix']",
        },
      ),
    },
  );
  return object({
    path,
    headers: named(4096, { type: matchType() }),
    queryParams: named(1024, { type: matchType() }),
    method: text({ enum: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] }),
  });
}

const backendFields = () => ({
  kind: text({ maxLength: 63, default: 'Service', pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$' }),
  name: text({ minLength: 1, maxLength: 253 }),
  port: whole({ format: 'int32', minimum: 1, maximum: 65_535 }),
});

const withPort = ruled({
  rule: "self.kind == 'Service' ? has(self.port) : true",
  message: 'Must have port for Service reference',
});

/** What each type of filter has, and that it has only this. */
function filter(): Schema {
  const headers = () =>
    object({
      set: named(4096),
      add: named(4096),
      remove: list(text(), { maxItems: 16, 'x-kubernetes-list-type': 'set' }),
    });
  const path = object(
    {
      type: text({ enum: ['ReplaceFullPath', 'ReplacePrefixMatch'] }),
      replaceFullPath: text({ maxLength: 1024 }),
      replacePrefixMatch: text({ maxLength: 1024 }),
    },
    {
      required: ['type'],
      ...ruled({
        rule: "self.type == 'ReplaceFullPath' ? has(self.replaceFullPath) : true",
        message: 'replaceFullPath must be specified',
      }),
    },
  );
  const fields: Record<string, Schema> = {
    headers: headers(),
    redirect: object({
      hostname: hostname(),
      path,
      scheme: text({ enum: ['http', 'https'] }),
      statusCode: whole({ enum: [301, 302], default: 302 }),
    }),
    responseHeaders: headers(),
    mirror: object(
      {
        backend: object(backendFields(), { required: ['name'], ...withPort }),
        percent: whole({ format: 'int32', minimum: 0, maximum: 100 }),
        fraction: object(
          {
            numerator: whole({ format: 'int32', minimum: 0 }),
            denominator: whole({ format: 'int32', minimum: 1, default: 100 }),
          },
          {
            required: ['numerator'],
            ...ruled({
              rule: 'self.numerator <= self.denominator',
              message: 'numerator must be less than or equal to denominator',
            }),
          },
        ),
      },
      {
        required: ['backend'],
        ...ruled({
          rule: '!(has(self.percent) && has(self.fraction))',
          message: 'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter',
        }),
      },
    ),
    rewrite: object({ hostname: hostname(), path }),
  };
  const types = Object.keys(fields).map(name => `${name[0]!.toUpperCase()}${name.slice(1)}`);
  return object(
    { type: text({ enum: types }), ...fields },
    {
      required: ['type'],
      ...ruled(
        ...Object.keys(fields).flatMap((name, i) => [
          {
            rule: `!(has(self.${name}) && self.type != '${types[i]}')`,
            message: `filter.${name} must be nil if the filter.type is not ${types[i]}`,
          },
          {
            rule: `!(!has(self.${name}) && self.type == '${types[i]}')`,
            messageExpression: `'filter.${name} is needed for ' + self.type`,
          },
        ]),
      ),
    },
  );
}

const filters = () =>
  list(filter(), {
    maxItems: 16,
    'x-kubernetes-list-type': 'atomic',
    ...ruled(
      {
        rule: "!(self.exists(f, f.type == 'Redirect') && self.exists(f, f.type == 'Rewrite'))",
        message: 'May specify either Redirect or Rewrite, but not both',
      },
      ...['Headers', 'ResponseHeaders', 'Redirect', 'Rewrite'].map(type => ({
        rule: `self.filter(f, f.type == '${type}').size() <= 1`,
        message: `${type} filter cannot be repeated`,
      })),
    ),
  });

function rule(): Schema {
  const backend = object(
    {
      ...backendFields(),
      weight: whole({ format: 'int32', minimum: 0, maximum: 1_000_000, default: 1 }),
      filters: filters(),
    },
    { required: ['name'], ...withPort },
  );
  const timeouts = object(
    { request: duration(), backendRequest: duration() },
    ruled({
      rule: "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
      message: 'backendRequest timeout cannot be longer than request timeout',
    }),
  );
  return object(
    {
      name: text({ minLength: 1, maxLength: 253 }),
      matches: list(match(), { maxItems: 64, default: [{ path: { type: 'PathPrefix', value: '/' } }] }),
      filters: filters(),
      backends: list(backend, { maxItems: 16 }),
      timeouts,
    },
    ruled({
      rule: '(has(self.backends) && self.backends.size() > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.redirect))): true',
      message: 'Redirect filter must not be used together with backends',
    }),
  );
}

/** Each rule may have so many matches, and all together no more than this. */
const totalMatches = Array.from(
  { length: 16 },
  (_, i) => `(self.size() > ${i} ? (has(self[${i}].matches) ? self[${i}].matches.size() : 0) : 0)`,
).join(' + ');

/** A route with rules in CEL at every depth, filters in rules and again in their backends, and pages of documentation. */
export function routeSchema(): Schema {
  const parent = object(
    { name: text({ maxLength: 253 }), section: text({ maxLength: 253 }), port: whole({ minimum: 1, maximum: 65_535 }) },
    { required: ['name'] },
  );
  const parents = list(parent, {
    maxItems: 32,
    ...ruled({
      rule: "self.all(a, self.exists_one(b, a.name == b.name && (has(a.section) ? a.section : '') == (has(b.section) ? b.section : '')))",
      message: 'section must be unique when parents includes 2 or more references to the same parent',
    }),
  });
  const rules = list(rule(), {
    maxItems: 16,
    default: [{ backends: [] }],
    ...ruled({
      rule: `${totalMatches} <= 128`,
      message: 'While 16 rules and 64 matches per rule are allowed, the total number of matches must be less than 128',
    }),
  });
  const status = object({
    parents: list(
      object({ parentRef: parent, controllerName: text({ minLength: 1, maxLength: 253 }), conditions: conditions() }),
      { maxItems: 32 },
    ),
  });
  const spec = object({ parents, hostnames: list(hostname(), { maxItems: 16 }), rules });
  return documented(object({ spec, status }, { required: ['spec'] }), createSentences(8, 110));
}
