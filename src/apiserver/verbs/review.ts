import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import { renderObject } from '../content/render.ts';
import type { Review } from '../routes.ts';
import { admission } from './admit.ts';
import { readObject } from './read-object.ts';
import { alignNamespace } from './system-fields.ts';
import type { Target } from './target.ts';
import { parseWriteOptions } from './write-options.ts';

/** POST of a question that is answered and not stored (SubjectAccessReview, TokenReview, ...). */
export async function review(target: Target, answer: Review): Promise<Response> {
  const { core, exchange, kind } = target;
  // Nobody stores reviews, so nobody has columns for them either.
  const form = negotiate(exchange.request.headers['accept'], { ...objectOffer, transforms: false });
  const { fieldValidation, dryRun } = parseWriteOptions(exchange.info.query, 'CreateOptions');
  const object = await readObject(target, fieldValidation);
  alignNamespace(kind, object, target.namespace);
  const admitted = admission(target, { operation: 'CREATE', name: '', dryRun, object, old: undefined });
  await admitted.mutate();
  await admitted.validate();
  const answered = await answer(object, exchange.user, target.namespace);
  return renderObject({ core, kind, form, exchange }, { ...answered }, 201);
}
