import type { Query, Reply } from './message.ts';

export type Resolve = (query: Query) => Promise<Reply>;

/**
 * One stage of the chain. It answers itself, or hands the query on by `next` and may look at what comes back. It never throws for what a query holds;
 * what it does throw becomes SERVFAIL.
 */
export interface Link {
  readonly name: string;
  answer(query: Query, next: Resolve): Reply | Promise<Reply>;
}

/** The links as one function; behind the last one is `end`. */
export function joinLinks(links: readonly Link[], end: Resolve): Resolve {
  return links.reduceRight<Resolve>((next, link) => async query => link.answer(query, next), end);
}
