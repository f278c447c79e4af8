import type { KindBehaviour } from '../../kind.ts';
import type { MutatingWebhookConfiguration } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';
import { countWebhookGeneration, defaultWebhooks, startGeneration, validateWebhooks } from './webhooks.ts';

export const mutatingWebhookConfiguration: KindBehaviour<MutatingWebhookConfiguration> = {
  categories: ['api-extensions'],
  defaults(draft) {
    defaultWebhooks(draft);
    for (const webhook of draft.webhooks ?? []) webhook.reinvocationPolicy ??= 'Never';
  },
  prepareCreate: startGeneration,
  prepareUpdate: countWebhookGeneration,
  validateCreate: validateWebhooks,
  validateUpdate: validateWebhooks,
  columns: [
    nameColumn,
    count(
      'Webhooks',
      'Webhooks indicates the number of webhooks registered in this configuration',
      o => o.webhooks?.length,
    ),
    ageColumn,
  ],
  unconditionalUpdate: false,
};
