import type { Subresource, Verb } from '#api';
import { isCustomKind } from '#api';
import type { Response } from '#wire';
import { methodNotAllowed, notFound, pathNotFound, StatusError } from '../errors.ts';
import type { ExtraRoutes } from '../routes.ts';
import { admission } from './admit.ts';
import { bind } from './binding.ts';
import { connectOptions } from './connect-options.ts';
import { evict } from './eviction.ts';
import { finalizeNamespace } from './finalize.ts';
import { get } from './get.ts';
import { patch } from './patch.ts';
import { getScale, patchScale, updateScale } from './scale.ts';
import type { Target } from './target.ts';
import { createToken } from './token.ts';
import { update } from './update.ts';

type Handler = (target: Target, extra: ExtraRoutes) => Promise<Response>;
type Handlers = Readonly<Partial<Record<Verb, Handler>>>;

/** Parts of an object that are read and written like the object itself; the kind says what of it may change. */
const part: Handlers = { get, update, patch };

/** What answers a subresource, by its name. */
const handlers: Readonly<Record<string, Handlers>> = {
  status: part,
  ephemeralcontainers: part,
  resize: part,
  approval: part,
  scale: { get: getScale, update: updateScale, patch: patchScale },
  finalize: { update: finalizeNamespace },
  binding: { create: bind },
  eviction: { create: evict },
  token: { create: createToken },
};

const upgrading: readonly string[] = ['GET', 'POST'];
/** The methods of what reaches into nodes. Browsers ask for a WebSocket with GET. */
const connectMethods: Readonly<Record<string, readonly string[]>> = {
  log: ['GET'],
  exec: upgrading,
  attach: upgrading,
  portforward: upgrading,
  proxy: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
};

/** Throws 404 and 405. */
export function routeSubresource(target: Target, extra: ExtraRoutes): Promise<Response> {
  const { kind, subresource, exchange } = target;
  const known = kind.subresources.get(subresource);
  if (!known && isCustomKind(kind)) throw notFound(kind, target.name);
  if (!known || (!known.connect && exchange.info.rest.length > 1)) throw pathNotFound();
  if (known.connect || subresource === 'log') return connect(target, known, extra);
  const verb = exchange.info.verb as Verb;
  const handler = handlers[subresource]?.[verb];
  if (!handler || !known.verbs.includes(verb)) throw methodNotAllowed();
  return handler(target, extra);
}

/** Streams and proxies: admission looks at them, then somebody else answers. */
async function connect(target: Target, known: Subresource, extra: ExtraRoutes): Promise<Response> {
  const { exchange, name } = target;
  if (!connectMethods[known.name]?.includes(exchange.request.method)) throw methodNotAllowed();
  if (!extra.connect) {
    throw new StatusError({
      code: 501,
      reason: 'NotImplemented',
      message: `this server does not reach into nodes: ${target.kind.resource}/${known.name} is not available`,
    });
  }
  if (known.connect) {
    const object = connectOptions(target, known);
    const admitted = admission(target, { operation: 'CONNECT', name, dryRun: false, object, old: undefined });
    await admitted.mutate();
    await admitted.validate();
  }
  return extra.connect(exchange.request, exchange.info);
}
