import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import { renderObject } from '../content/render.ts';
import { StatusError } from '../errors.ts';
import type { ExtraRoutes } from '../routes.ts';
import { admission } from './admit.ts';
import { readSubresourceBody } from './read-object.ts';
import type { Target } from './target.ts';
import { parseWriteOptions } from './write-options.ts';

/** POST of a TokenRequest to serviceaccounts/<name>/token. */
export async function createToken(target: Target, extra: ExtraRoutes): Promise<Response> {
  const { core, exchange, kind, namespace = '', name } = target;
  if (!extra.createToken) {
    throw new StatusError({ code: 501, reason: 'NotImplemented', message: 'this server issues no tokens' });
  }
  const form = negotiate(exchange.request.headers['accept'], objectOffer);
  const options = parseWriteOptions(exchange.info.query, 'CreateOptions');
  const object = await readSubresourceBody(target, options.fieldValidation);
  const admitted = admission(target, { operation: 'CREATE', name, dryRun: options.dryRun, object, old: undefined });
  await admitted.mutate();
  await admitted.validate();
  const answer = await extra.createToken({ namespace, name, object, user: exchange.user });
  return renderObject({ core, kind, form, exchange }, { ...answer }, 201);
}
