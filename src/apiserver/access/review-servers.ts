import type { Clock, Random } from '#base';
import { createWebhookClient } from '../webhook/index.ts';
import { type AskWebhook, createAskWebhook, type ReviewServer } from './ask-webhook.ts';

/** Servers outside the cluster that review tokens and access. Disposing ends what is under way. */
export interface ReviewServers extends Disposable {
  open(server: ReviewServer): AskWebhook;
}

/** They are named by URL, never by Service: they must answer before anything runs in the cluster. */
const noObjects = {
  get: () => undefined,
  list: () => [],
  onChange: () => ({ [Symbol.dispose]: () => undefined }),
};

export function createReviewServers(deps: { clock: Clock; random: Random }): ReviewServers {
  const client = createWebhookClient({ ...deps, reader: noObjects });
  return {
    open: server => createAskWebhook(server, { client, clock: deps.clock }),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
