import type { CustomKind, Kind, Verb } from '#api';
import { groupResourceOf, isCustomKind } from '#api';
import type { Response } from '#wire';
import type { Core } from './core.ts';
import { deprecationOf } from './deprecations.ts';
import { badRequest, methodNotAllowed, pathNotFound, terminatingDefinition } from './errors.ts';
import type { Exchange, Next } from './exchange.ts';
import type { ExtraRoutes, PathRoute } from './routes.ts';
import { showComputed } from './verbs/computed.ts';
import { create } from './verbs/create.ts';
import { deleteOne } from './verbs/delete.ts';
import { deleteCollection } from './verbs/delete-collection.ts';
import { freshEnough } from './verbs/freshness.ts';
import { get } from './verbs/get.ts';
import { list } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
import { review } from './verbs/review.ts';
import { routeSubresource } from './verbs/subresources.ts';
import type { Target } from './verbs/target.ts';
import { update } from './verbs/update.ts';
import { watch } from './verbs/watch.ts';

type VerbHandler = (target: Target) => Promise<Response>;

/** One file a verb. */
const verbs: Readonly<Record<Verb, VerbHandler>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: deleteOne,
  deletecollection: deleteCollection,
};

/** Paths that are no resources: exact ones, then by their beginning. */
export interface PlainPaths {
  readonly exact: ReadonlyMap<string, PathRoute>;
  /** Asked in order with the exchange; undefined: not mine. */
  readonly others: readonly ((exchange: Exchange) => Response | Promise<Response> | undefined)[];
}

/** The end of the chain: finds what answers. */
export function createRoute(parts: {
  core: Core;
  extra: ExtraRoutes;
  plain: PlainPaths;
  /** Asked first: what another server serves. Undefined from it: not that. */
  elsewhere?: ((exchange: Exchange) => Promise<Response> | undefined) | undefined;
}): Next {
  return async exchange => {
    const { info } = exchange;
    const answer = parts.elsewhere?.(exchange);
    if (answer) return answer;
    // Awaited here: a promise that is returned from an async function takes two turns of the microtask queue more.
    return await (info.isResource ? routeResource(exchange, parts) : routePath(exchange, parts.plain));
  };
}

function routePath(exchange: Exchange, plain: PlainPaths): Response | Promise<Response> {
  const { request, info } = exchange;
  const exact = plain.exact.get(info.path);
  if (exact) {
    exchange.isServed = true;
    return exact(request);
  }
  for (const other of plain.others) {
    const answer = other(exchange);
    if (answer) return answer;
  }
  throw pathNotFound();
}

async function routeResource(exchange: Exchange, parts: { core: Core; extra: ExtraRoutes }): Promise<Response> {
  const { info } = exchange;
  const { core, extra } = parts;
  const find = () => core.scheme().byResource(info.group, info.version, info.resource);
  let kind = find();
  // Another server of the same store may have let its client know of a kind before this one has heard of it.
  if (!kind && core.store.current && info.group.includes('.')) {
    await freshEnough(core, undefined);
    kind = find();
  }
  if (
    !kind ||
    hasEmptySegments(info) ||
    (info.namespace !== undefined && !kind.namespaced && info.resource !== 'namespaces')
  )
    throw pathNotFound();
  const target = targetOf(exchange, core, kind);
  exchange.isServed = true;
  if (isCustomKind(kind)) checkCustom(exchange, core, kind);
  const deprecation = deprecationOf(info);
  if (deprecation) exchange.warnings.push(deprecation);
  if (info.name) checkName(info.name);
  if (info.subresource) return routeSubresource(target, extra);
  const answer = extra.reviews?.[groupResourceOf(kind)];
  if (answer && info.verb === 'create') return review(target, answer);
  const compute = extra.computed?.[groupResourceOf(kind)];
  if (!kind.verbs.includes(info.verb as Verb) || (needsName[info.verb] ?? info.name !== '') !== (info.name !== '')) {
    throw methodNotAllowed();
  }
  return await (compute ? showComputed(target, compute()) : verbs[info.verb as Verb](target));
}

/** What a definition says to requests for its objects. Throws 404 and 405. */
function checkCustom({ info, warnings }: Exchange, { versions }: Core, kind: CustomKind): void {
  const isAcross = info.verb === 'list' || info.verb === 'watch';
  if (kind.namespaced && !info.namespace && !isAcross) throw pathNotFound();
  if (kind.custom.deprecationWarning) warnings.push(kind.custom.deprecationWarning);
  if (info.verb === 'create' && !info.subresource && versions.isTerminating(kind))
    throw terminatingDefinition(info.verb);
}

/** `//api/v1/pods` is another path. Behind a proxy everything is a path. */
function hasEmptySegments({ path, subresource }: Exchange['info']): boolean {
  return path.includes('//') && subresource !== 'proxy';
}

/** Names that are no path segments cannot be in the store, and paths that are made of them would lead elsewhere. */
function checkName(name: string): void {
  const problems = [
    ...(name === '.' || name === '..' ? [`may not be '${name}'`] : []),
    ...(name.includes('/') ? ["may not contain '/'"] : []),
    ...(name.includes('%') ? ["may not contain '%'"] : []),
  ];
  if (problems.length > 0) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problems.join(';')}`);
}

/** Verbs that are about one object, which their path names, and those that are not: the other way round no route exists. */
const needsName: Readonly<Partial<Record<string, boolean>>> = {
  get: true,
  update: true,
  patch: true,
  delete: true,
  create: false,
};

function targetOf(exchange: Exchange, core: Core, kind: Kind): Target {
  const { info } = exchange;
  return {
    core,
    exchange,
    kind,
    namespace: kind.namespaced ? info.namespace : undefined,
    name: info.name,
    subresource: info.subresource,
  };
}
