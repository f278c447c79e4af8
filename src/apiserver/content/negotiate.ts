import type { Kind } from '#api';
import { apiVersionOf } from '#api';
import type { Core } from '../core.ts';
import { notAcceptable } from '../errors.ts';
import type { Exchange } from '../exchange.ts';

export type Media = 'json' | 'yaml' | 'protobuf';

/** How an answer is to look. */
export interface Form {
  readonly media: Media;
  /** Instead of the object itself: a table, or nothing but its metadata. */
  readonly as: 'Table' | 'PartialObjectMetadata' | undefined;
  /** Version of the group meta.k8s.io that `as` is in. */
  readonly asVersion: string;
}

export const mediaTypes: Readonly<Record<Media, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const plainJson: Form = { media: 'json', as: undefined, asVersion: '' };

/** What may be asked for at one place. */
export interface Offer {
  readonly media: readonly Media[];
  /** False: there is no protobuf form of the object itself (custom resources), but there is one of its metadata. */
  readonly protobuf?: boolean;
  /** True where `as=Table` and `as=PartialObjectMetadata` make sense. */
  readonly transforms: boolean;
}

export const objectOffer: Offer = { media: ['json', 'yaml', 'protobuf'], transforms: true };
/** YAML has no frames, so it cannot be streamed (as upstream). */
export const watchOffer: Offer = { media: ['json', 'protobuf'], transforms: true };

/** What is asked for of a kind: as negotiate, but custom kinds have no protobuf form. */
export function formFor(
  { core, kind, exchange }: { core: Core; kind: Pick<Kind, 'group' | 'version' | 'kind'>; exchange: Exchange },
  offer: Offer = objectOffer,
): Form {
  const accept = exchange.request.headers['accept'];
  if (accept === undefined || accept === 'application/json') return plainJson;
  const protobuf = core.protobuf.knows(apiVersionOf(kind), kind.kind);
  return negotiate(accept, protobuf ? offer : { ...offer, protobuf });
}

interface Clause {
  type: string;
  parameters: Record<string, string>;
  quality: number;
  specificity: number;
}

/** Chooses a form by an Accept header (RFC 9110, 12.5.1), as upstream: best quality first, then the most specific. Throws 406. */
export function negotiate(accept: string | undefined, offer: Offer): Form {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plainJson;
  const clauses = accept.split(',').map(parseClause);
  clauses.sort((a, b) => b.quality - a.quality || b.specificity - a.specificity);
  for (const clause of clauses) {
    const form = accepts(clause, offer);
    if (form) return form;
  }
  const media = offer.media.filter(name => name !== 'protobuf' || offer.protobuf !== false);
  throw notAcceptable(media.map(name => mediaTypes[name]));
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map(part => part.trim());
  const parameters: Record<string, string> = {};
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=', 2);
    parameters[name.trim().toLowerCase()] = value.trim().replace(/^"|"$/g, '');
  }
  const quality = parameters['q'] === undefined ? 1 : Number(parameters['q']) || 0;
  const specificity = type === '*/*' ? 0 : type.endsWith('/*') ? 1 : 2 + Number(rest.length > 0);
  return { type: type.toLowerCase(), parameters, quality, specificity };
}

function accepts(clause: Clause, offer: Offer): Form | undefined {
  if (clause.quality === 0) return undefined;
  const media = offer.media.find(
    name =>
      mediaTypes[name] === clause.type ||
      clause.type === '*/*' ||
      (clause.type.endsWith('/*') && mediaTypes[name].startsWith(clause.type.slice(0, -1))),
  );
  if (!media) return undefined;
  const { as, g, v, stream } = clause.parameters;
  if (stream && stream !== 'watch') return undefined;
  const isPlain = as === undefined || as === '';
  if (isPlain && media === 'protobuf' && offer.protobuf === false) return undefined;
  if (isPlain) return { media, as: undefined, asVersion: '' };
  if (!offer.transforms || g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  // A table has no protobuf form: the client's next choice counts.
  if (as === 'Table') return media === 'protobuf' ? undefined : { media, as, asVersion: v };
  if (as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') return undefined;
  return { media, as: 'PartialObjectMetadata', asVersion: v };
}
