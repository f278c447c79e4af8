import type { KindBehaviour } from '../../kind.ts';
import type { ValidatingWebhookConfiguration } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';
import { countWebhookGeneration, defaultWebhooks, startGeneration, validateWebhooks } from './webhooks.ts';

export const validatingWebhookConfiguration: KindBehaviour<ValidatingWebhookConfiguration> = {
  categories: ['api-extensions'],
  defaults: defaultWebhooks,
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
