import type { CustomKind, UnknownObject } from '#api';
import { apiVersionOf, describeKind } from '#api';
import type { Random } from '#base';
import { StatusError } from '../access/refuse.ts';
import type { WebhookCall } from '../webhook/index.ts';
import { WebhookCallError } from '../webhook/index.ts';
import type { MeterDeps } from './conversion-meters.ts';
import { metered } from './conversion-meters.ts';
import { ConversionError, conversionReview, readConverted, reviewVersionOf } from './conversion-review.ts';
import type { Definition } from './definition.ts';

/** Asks a webhook. Rejects with WebhookCallError. */
export type CallWebhook = (call: WebhookCall) => Promise<unknown>;

export interface ConverterDeps extends MeterDeps {
  readonly random: Random;
  readonly callWebhook: CallWebhook;
}

/** As upstream. */
const timeoutMs = 30_000;

type Converted = readonly UnknownObject[];

/**
 * Objects of one definition in the version of `to`; new objects where something changes. Those that are given are not changed, unless they are the callee's (`own`). In one call of the webhook, if there is one and
 * it is needed: then the answer is a promise, which rejects with upstream's bare 500.
 */
export function convertObjects(
  { conversion }: Definition,
  { objects, to, own = false }: { objects: Converted; to: CustomKind; own?: boolean },
  deps: ConverterDeps,
): Converted | Promise<Converted> {
  const apiVersion = apiVersionOf(to);
  if (objects.every(object => object.apiVersion === apiVersion)) return objects;
  if (conversion.strategy === 'Webhook') return ask(conversion, { objects, to, apiVersion }, deps);
  return objects.map(object =>
    object.apiVersion === apiVersion ? object : renamed(own ? object : structuredClone(object), to),
  );
}

/** The same fields under another version, in place. */
function renamed(object: UnknownObject, to: CustomKind): UnknownObject {
  object.apiVersion = apiVersionOf(to);
  return pruned(object, to);
}

/** What the version does not have is dropped, in place. */
function pruned(object: UnknownObject, kind: CustomKind): UnknownObject {
  kind.custom.prune(object);
  return object;
}

async function ask(
  { webhook }: Definition['conversion'],
  { objects, to, apiVersion }: { objects: Converted; to: CustomKind; apiVersion: string },
  deps: ConverterDeps,
): Promise<Converted> {
  const foreign = objects.filter(object => object.apiVersion !== apiVersion);
  try {
    const version = reviewVersionOf(webhook?.conversionReviewVersions);
    const asked = { version, uid: deps.random.uuid(), objects: foreign, desiredApiVersion: apiVersion };
    const about = describeKind(foreign[0]!);
    const call = { about, clientConfig: webhook?.clientConfig ?? {}, body: conversionReview(asked) };
    const answers = await metered(deps, async () => readConverted(await callWebhook(deps, call), asked));
    const converted = answers[Symbol.iterator]();
    return objects.map(object => (object.apiVersion === apiVersion ? object : pruned(converted.next().value!, to)));
  } catch (error) {
    throw error instanceof ConversionError ? bareError(error) : error;
  }
}

async function callWebhook(
  deps: ConverterDeps,
  { about, ...call }: Pick<WebhookCall, 'clientConfig' | 'body'> & { about: string },
): Promise<unknown> {
  try {
    return await deps.callWebhook({ ...call, timeoutMs });
  } catch (cause) {
    if (!(cause instanceof WebhookCallError)) throw cause;
    throw new ConversionError(`conversion webhook for ${about} failed: ${cause.message}`, 'call', { cause });
  }
}

/** Upstream gives these errors no reason. */
function bareError(error: ConversionError): StatusError {
  const refusal = new StatusError({ code: 500, reason: '', message: error.message });
  Reflect.deleteProperty(refusal.status, 'reason');
  return refusal;
}
