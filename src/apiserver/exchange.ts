import type { Turn } from '#base';
import type { Request, Response } from '#wire';
import type { RequestInfo } from './request-info.ts';
import type { User } from './user.ts';

/** One request on its way through the chain, and what the stages have found out about it. */
export interface Exchange {
  /** A stage may put another in its place, with the same meaning. */
  request: Request;
  readonly info: RequestInfo;
  /** Set by the authenticate stage; anonymous before. */
  user: User;
  /** Texts for Warning headers. */
  readonly warnings: string[];
  /** Set by the route stage when path or resource is one that exists: only those become labels of metrics, or anyone could fill the memory. */
  isServed: boolean;
  /** Go with the answer, whatever it is. */
  responseHeaders?: Readonly<Record<string, string>> | undefined;
  /** Names the request in the audit log; set when there is one. */
  auditId?: string | undefined;
  /** Notes something in the audit log, at `least` and above (default Metadata); undefined: nobody wants to know. */
  annotate?: ((key: string, value: string, least?: 'Metadata' | 'Request') => void) | undefined;
  /** Set for writes of large objects, which take as many turns of the event loop as they have steps. */
  turn?: Turn | undefined;
  /** How long it was in a queue. */
  waitedMs?: number | undefined;
  /** The server failed in a way that nobody foresaw. */
  isPanic?: boolean | undefined;
  /** Set by the limit stage; called when another server has the request now: a slow one there must not hold up requests here. May be called twice. */
  delegated?: (() => void) | undefined;
}

export type Next = (exchange: Exchange) => Promise<Response>;

/**
 * One step of the chain: answers, or calls `next` and may look at what comes back. Throws a Status for what the client did wrong; anything else
 * that is thrown becomes a 500 in the recover stage.
 */
export type Stage = (exchange: Exchange, next: Next) => Promise<Response>;
