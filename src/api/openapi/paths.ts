import { isCustomKind } from '../custom/kinds.ts';
import type { Kind, Verb } from '../scheme.ts';
import type { Style } from './schema.ts';

type Operation = Record<string, unknown>;

/** One path with what can be done there. */
interface Place {
  path: string;
  kind: Kind;
  isNamespaced: boolean;
  isNamed: boolean;
  /** Verb of the API by HTTP method. */
  verbs: Partial<Record<'get' | 'post' | 'put' | 'patch' | 'delete', Verb>>;
  /** What the body is; the kind itself, but for some subresources. */
  body: { group: string; version: string; kind: string };
}

/** Query parameters by verb; clients look some of them up before they use them (kubectl: dryRun, fieldValidation). */
const parameters: Readonly<Partial<Record<Verb, readonly string[]>>> = {
  list: [
    'allowWatchBookmarks',
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'resourceVersion',
    'resourceVersionMatch',
    'sendInitialEvents',
    'timeoutSeconds',
    'watch',
  ],
  create: ['dryRun', 'fieldManager', 'fieldValidation'],
  update: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'],
  deletecollection: [
    'continue',
    'dryRun',
    'fieldSelector',
    'gracePeriodSeconds',
    'labelSelector',
    'limit',
    'propagationPolicy',
  ],
};
const parameterTypes: Readonly<Record<string, string>> = {
  limit: 'integer',
  timeoutSeconds: 'integer',
  gracePeriodSeconds: 'integer',
  watch: 'boolean',
  force: 'boolean',
  allowWatchBookmarks: 'boolean',
  sendInitialEvents: 'boolean',
  orphanDependents: 'boolean',
};
const actions: Readonly<Record<Verb, string>> = {
  get: 'get',
  list: 'list',
  watch: 'watch',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'deletecollection',
};
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** Strategic merge patches need Go types. */
function patchTypesOf(kind: Kind): readonly string[] {
  return isCustomKind(kind) ? patchTypes.filter(type => !type.includes('strategic')) : patchTypes;
}

/** The `paths` of a document. `refOf` gives the reference to a kind's schema. */
export function pathsOfKinds(
  kinds: readonly Kind[],
  style: Style,
  refOf: (kind: { group: string; version: string; kind: string }) => string | undefined,
): Record<string, unknown> {
  return Object.fromEntries(kinds.flatMap(placesOf).map(place => [place.path, describePlace(place, style, refOf)]));
}

function placesOf(kind: Kind): Place[] {
  const base = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  const scoped = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.resource}` : `${base}/${kind.resource}`;
  const has = (verb: Verb) => (kind.verbs.includes(verb) ? verb : undefined);
  const place = (
    path: string,
    isNamed: boolean,
    verbs: Record<string, Verb | undefined>,
    body: Place['body'] = kind,
  ): Place => {
    const known = Object.fromEntries(Object.entries(verbs).filter(([, verb]) => verb)) as Place['verbs'];
    return { path, kind, isNamespaced: path.includes('{namespace}'), isNamed, verbs: known, body };
  };
  const places = [
    place(scoped, false, { get: has('list'), post: has('create'), delete: has('deletecollection') }),
    place(`${scoped}/{name}`, true, {
      get: has('get'),
      put: has('update'),
      patch: has('patch'),
      delete: has('delete'),
    }),
    ...(kind.namespaced ? [place(`${base}/${kind.resource}`, false, { get: has('list') })] : []),
    ...[...kind.subresources.values()].map(sub => {
      const can = (verb: Verb) => (sub.verbs.includes(verb) ? verb : undefined);
      return place(
        `${scoped}/{name}/${sub.name}`,
        true,
        { get: can('get'), post: can('create'), put: can('update'), patch: can('patch') },
        sub.kind,
      );
    }),
  ];
  return places.filter(({ verbs }) => Object.keys(verbs).length > 0);
}

function describePlace(
  place: Place,
  style: Style,
  refOf: (kind: Place['body']) => string | undefined,
): Record<string, unknown> {
  const inPath = [...(place.isNamed ? ['name'] : []), ...(place.isNamespaced ? ['namespace'] : [])];
  const described: Record<string, unknown> = {
    parameters: inPath.map(name => parameter(name, { in: 'path', type: 'string', isRequired: true }, style)),
  };
  for (const [method, verb] of Object.entries(place.verbs))
    described[method] = operation(place, verb, { style, ref: refOf(place.body) });
  return described;
}

function operation(place: Place, verb: Verb, { style, ref }: { style: Style; ref: string | undefined }): Operation {
  const query = (parameters[verb] ?? []).map(name =>
    parameter(name, { in: 'query', type: parameterTypes[name] ?? 'string' }, style),
  );
  const { group, version, kind } = place.body;
  const schema = ref ? { $ref: ref } : { type: 'object' };
  const hasBody = verb === 'create' || verb === 'update' || verb === 'patch';
  const common = {
    operationId: `${verb}${group.split('.')[0]}${version}${place.isNamespaced ? 'Namespaced' : ''}${place.path.split('/').slice(4).join('').replace(/[{}]/g, '')}${kind}`,
    'x-kubernetes-action': actions[verb],
    'x-kubernetes-group-version-kind': { group, version, kind },
    ...(isCustomKind(place.kind) && place.kind.custom.deprecationWarning !== undefined && { deprecated: true }),
  };
  if (style === 'v2') {
    const body = hasBody
      ? [{ name: 'body', in: 'body', required: true, schema: verb === 'patch' ? { type: 'object' } : schema }]
      : [];
    return {
      consumes: verb === 'patch' ? patchTypesOf(place.kind) : ['*/*'],
      produces: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
      schemes: ['https'],
      parameters: [...body, ...query],
      responses: { 200: { description: 'OK', schema } },
      ...common,
    };
  }
  const types = verb === 'patch' ? patchTypesOf(place.kind) : ['*/*'];
  const content = Object.fromEntries(
    types.map(type => [type, { schema: verb === 'patch' ? { type: 'object' } : schema }]),
  );
  return {
    parameters: query,
    ...(hasBody && { requestBody: { content, required: true } }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    ...common,
  };
}

function parameter(
  name: string,
  options: { in: 'path' | 'query'; type: string; isRequired?: boolean },
  style: Style,
): Record<string, unknown> {
  const shared = { name, in: options.in, ...(options.isRequired && { required: true }), uniqueItems: true };
  if (style === 'v2') return { ...shared, type: options.type };
  return {
    name,
    in: options.in,
    ...(options.isRequired && { required: true }),
    schema: { type: options.type, uniqueItems: true },
  };
}
