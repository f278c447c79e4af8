import { isDeepStrictEqual } from 'node:util';
import type { UnknownObject } from '#api';
import { describeKind, validateMetadata } from '#api';

/** A conversion that did not come about. The message is upstream's, which answers it with a bare 500. */
export class ConversionError extends Error {
  override readonly name = 'ConversionError';
  /** Upstream's label of meters. */
  readonly failureType: string;
  constructor(message: string, failure: Failure, options?: ErrorOptions) {
    super(message, options);
    this.failureType = `conversion_webhook_${failure}_failure`;
  }
}

type Failure = 'call' | 'malformed_response' | 'partial_response' | 'invalid_converted_object';

const groupPrefix = 'apiextensions.k8s.io/';
const knownVersions: readonly string[] = ['v1', 'v1beta1'];

export interface Asked {
  /** Of ConversionReview. */
  readonly version: string;
  readonly uid: string;
  readonly objects: readonly UnknownObject[];
  readonly desiredApiVersion: string;
}

/** The first version that the webhook names and we speak. Throws ConversionError when there is none. */
export function reviewVersionOf(versions: readonly string[] | undefined): string {
  const version = versions?.find(name => knownVersions.includes(name));
  if (!version) throw new ConversionError('no supported conversion review versions', 'call');
  return version;
}

export function conversionReview({ version, uid, objects, desiredApiVersion }: Asked): Record<string, unknown> {
  return {
    kind: 'ConversionReview',
    apiVersion: `${groupPrefix}${version}`,
    request: { uid, desiredAPIVersion: desiredApiVersion, objects },
  };
}

type Json = Record<string, unknown>;

/** The converted objects of an answer, in the order of those that were asked about, with the metadata that they had. Throws ConversionError. */
export function readConverted(answer: unknown, asked: Asked): UnknownObject[] {
  const [first] = asked.objects;
  const about = describeKind(first!);
  const converted = within(`conversion webhook for ${about} failed`, () => objectsOf(answer, asked));
  const { length } = asked.objects;
  if (converted.length !== length) {
    throw new ConversionError(
      `conversion webhook for ${about} returned ${converted.length} objects, expected ${length}`,
      'partial_response',
    );
  }
  return asked.objects.map((original, index) => checked(original, converted[index], { asked, index, about }));
}

function within<T>(prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    throw new ConversionError(`${prefix}: ${error.message}`, 'malformed_response', { cause: error });
  }
}

function objectsOf(answer: unknown, asked: Asked): unknown[] {
  const review = isJson(answer) ? answer : {};
  const isV1 = asked.version === 'v1';
  if (isV1 && (review['apiVersion'] !== `${groupPrefix}v1` || review['kind'] !== 'ConversionReview')) {
    const wanted = `${groupPrefix}v1, Kind=ConversionReview`;
    throw malformed(`expected webhook response of ${wanted}, got ${describeKind(review)}`);
  }
  const { response } = review;
  if (!isJson(response)) throw malformed('no response provided');
  if (isV1 && response['uid'] !== asked.uid) {
    const got = JSON.stringify(response['uid'] ?? '');
    throw malformed(`expected response.uid=${JSON.stringify(asked.uid)}, got ${got}`);
  }
  const result = isJson(response['result']) ? response['result'] : {};
  if (result['status'] !== 'Success') {
    const message = result['message'] || `response.result.status was '${result['status'] ?? ''}', not 'Success'`;
    throw malformed(String(message));
  }
  const objects = response['convertedObjects'] ?? [];
  return Array.isArray(objects) ? objects : [];
}

function malformed(message: string): ConversionError {
  return new ConversionError(message, 'malformed_response');
}

interface Place {
  readonly asked: Asked;
  readonly index: number;
  readonly about: string;
}

/** One converted object: of the wanted version, the same object as before, with its own labels and annotations and otherwise the old metadata. */
function checked(original: UnknownObject, converted: unknown, { asked, index, about }: Place): UnknownObject {
  const isMany = asked.objects.length > 1;
  const what = isMany ? `converted object at index ${index}` : 'object at index 0';
  const invalid = (why: string, subject = what) =>
    new ConversionError(
      `conversion webhook for ${about} returned invalid ${subject}: ${why}`,
      'invalid_converted_object',
    );
  if (!isJson(converted)) throw invalid('it is no object');
  const { apiVersion, kind } = converted;
  if (apiVersion !== asked.desiredApiVersion) {
    const versions = `expected ${asked.desiredApiVersion}, received ${apiVersion ?? ''}`;
    throw invalid(`invalid groupVersion (${versions})`);
  }
  if (kind !== original.kind) {
    throw invalid(`invalid kind (expected ${original.kind}, received ${kind ?? ''})`);
  }
  const why = whyOther(original, converted);
  if (why) throw invalid(why, isMany ? what : 'object');
  const metadata = restoredMetadata(original, converted);
  if (typeof metadata === 'string') {
    const place = isMany ? `metadata in object at index ${index}` : 'metadata';
    throw invalid(metadata, place);
  }
  return { ...converted, metadata } as UnknownObject;
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const;

function whyOther(original: UnknownObject, converted: Json): string | undefined {
  const metadata = isJson(converted['metadata']) ? converted['metadata'] : {};
  for (const [field, name] of identity) {
    const [before, after] = [original.metadata[field] ?? '', metadata[field] ?? ''];
    if (before !== after) return `must have the same ${name}: ${before} != ${String(after)}`;
  }
  return undefined;
}

/** A text says what is wrong. */
function restoredMetadata(original: UnknownObject, converted: Json): UnknownObject['metadata'] | string {
  if (!('metadata' in converted)) return 'missing metadata in converted object';
  const given = converted['metadata'];
  if (!isJson(given)) return `invalid metadata of type ${typeof given} in converted object`;
  const restored = structuredClone(original.metadata);
  for (const field of ['labels', 'annotations'] as const) {
    const texts = given[field];
    if (texts === undefined || texts === null) {
      delete restored[field];
      continue;
    }
    if (!isJson(texts)) return `invalid metadata.${field} of type ${typeof texts} in converted object`;
    for (const [key, value] of Object.entries(texts)) {
      if (typeof value === 'string') continue;
      return `metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`;
    }
    if (isDeepStrictEqual(restored[field], texts)) continue;
    restored[field] = texts as Record<string, string>;
    const namespaced = restored.namespace !== undefined;
    const wrong = validateMetadata(restored, { namespaced }).filter(error =>
      error.field.startsWith(`metadata.${field}`),
    );
    if (wrong.length > 0) return wrong.map(error => `${error.field}: ${error.message}`).join(', ');
  }
  return restored;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
