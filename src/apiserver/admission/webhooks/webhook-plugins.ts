import type { Scheme } from '#api';
import type { Clock, Log, Meter, Random } from '#base';
import type { Authorizer } from '../../access.ts';
import type { AdmissionPlugin } from '../../admission.ts';
import type { ObjectReader } from '../../reader.ts';
import { createWebhookClient, type WebhookClient } from '../../webhook/index.ts';
import { createMatchConditions } from './match-conditions.ts';
import { createHookMeters } from './meters.ts';
import { createMutatingWebhooks } from './mutating.ts';
import { createValidatingWebhooks } from './validating.ts';

export interface WebhookPluginsOptions {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** Shared with others that call webhooks; default one of its own, closed with the plugins. */
  readonly client?: WebhookClient | undefined;
  /** For `authorizer` in match conditions. */
  readonly authorize: Authorizer;
}

/** The two plugins that ask webhooks. Disposing stops following the configurations and cuts off calls. */
export interface WebhookPlugins extends Disposable {
  readonly mutating: AdmissionPlugin;
  readonly validating: AdmissionPlugin;
}

export function createWebhookPlugins(options: WebhookPluginsOptions): WebhookPlugins {
  const meters = createHookMeters(options.meter);
  const client = options.client ?? createWebhookClient(options);
  const conditions = createMatchConditions({ meters, authorize: options.authorize });
  const { reader, scheme, clock, random, log } = options;
  const deps = { reader, scheme, clock, random, log, meters, client, conditions };
  const [mutating, validating] = [createMutatingWebhooks(deps), createValidatingWebhooks(deps)];
  return {
    mutating,
    validating,
    [Symbol.dispose]() {
      mutating[Symbol.dispose]();
      validating[Symbol.dispose]();
      if (!options.client) client[Symbol.dispose]();
    },
  };
}
