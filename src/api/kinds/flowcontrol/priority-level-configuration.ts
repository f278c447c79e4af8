import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { PriorityLevelConfiguration, QueuingConfiguration } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { checkNonNegative, forbidden, invalid, notSupported, required } from '../field-error.ts';

const types: readonly string[] = ['Exempt', 'Limited'];
const responses: readonly string[] = ['Queue', 'Reject'];
const queueDefaults = { handSize: 8, queues: 64, queueLengthLimit: 50 } as const;
const mostQueues = 10_000_000;

function defaults(draft: PriorityLevelConfiguration): void {
  const { exempt, limited } = draft.spec;
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (!limited) return;
  limited.nominalConcurrencyShares ??= 30;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (!queuing) return;
  queuing.handSize ||= queueDefaults.handSize;
  queuing.queues ||= queueDefaults.queues;
  queuing.queueLengthLimit ||= queueDefaults.queueLengthLimit;
}

function validate(object: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const { type, limited, exempt } = object.spec;
  if (!types.includes(type)) errors.push(notSupported('spec.type', type, types));
  if (type === 'Exempt' && limited) {
    errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
  }
  if (type === 'Limited' && exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
  if (type === 'Limited' && !limited) {
    errors.push(required('spec.limited', 'must not be empty when type is Limited'));
  }
  checkNonNegative(errors, 'spec.exempt.nominalConcurrencyShares', exempt?.nominalConcurrencyShares);
  for (const [path, share] of [
    ['spec.exempt.lendablePercent', exempt?.lendablePercent],
    ['spec.limited.lendablePercent', limited?.lendablePercent],
  ] as const) {
    if (share !== undefined && (share < 0 || share > 100)) {
      errors.push(invalid(path, share, 'must be between 0 and 100, inclusive'));
    }
  }
  if (type !== 'Limited' || !limited) return errors;
  const shares = limited.nominalConcurrencyShares;
  if (shares !== undefined && shares < 0) {
    errors.push(invalid('spec.limited.nominalConcurrencyShares', shares, 'must be a non-negative integer'));
  }
  checkResponse(errors, 'spec.limited.limitResponse', limited.limitResponse);
  return errors;
}

function checkResponse(
  errors: FieldError[],
  path: string,
  response: { type: string; queuing?: QueuingConfiguration | undefined } | undefined,
): void {
  const type = response?.type ?? '';
  const queuing = response?.queuing;
  if (!responses.includes(type)) errors.push(notSupported(`${path}.type`, type, responses));
  if (type === 'Reject' && queuing) {
    errors.push(forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'));
  }
  if (type !== 'Queue') return;
  if (!queuing) {
    errors.push(required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'));
    return;
  }
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  for (const [field, value] of Object.entries({ queueLengthLimit, queues, handSize })) {
    if (value <= 0) errors.push(invalid(`${path}.queuing.${field}`, value, 'must be positive'));
  }
  if (queues > mostQueues) {
    errors.push(invalid(`${path}.queuing.queues`, queues, `must not be greater than ${mostQueues}`));
  }
  if (handSize > queues) {
    const detail = `should not be greater than queues (${queues})`;
    errors.push(invalid(`${path}.queuing.handSize`, handSize, detail));
  }
}

function queueColumn(
  name: string,
  description: string,
  field: keyof QueuingConfiguration,
): Column<PriorityLevelConfiguration> {
  return text(name, description, o => o.spec.limited?.limitResponse?.queuing?.[field] ?? '<none>');
}

export const priorityLevelConfiguration: KindBehaviour<PriorityLevelConfiguration> = {
  defaults,
  ...specStrategy<PriorityLevelConfiguration>(),
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    text('Type', 'Exempt or Limited.', o => o.spec.type),
    text(
      'NominalConcurrencyShares',
      'Its share of the seats.',
      o => o.spec.limited?.nominalConcurrencyShares ?? '<none>',
    ),
    queueColumn('Queues', 'How many queues it has.', 'queues'),
    queueColumn('HandSize', 'How many queues a flow may use.', 'handSize'),
    queueColumn('QueueLengthLimit', 'How many requests a queue holds.', 'queueLengthLimit'),
    ageColumn,
  ],
};
