import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { checkConditionTypes } from '../conditions.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, invalid, notSupported, rangeMessage, required } from '../field-error.ts';
import { flowStrategy } from './flow-strategy.ts';
import { mandatoryLevels } from './mandatory.ts';

const types: readonly string[] = ['Exempt', 'Limited'];
const responses: readonly string[] = ['Queue', 'Reject'];
const queueDefaults = { handSize: 8, queues: 64, queueLengthLimit: 50 } as const;
const mostQueues = 10_000_000;
/** As many bits of the hash of a flow are there to choose its queues by. */
const mostHashBits = 60;
/** Kept a share of zero through versions that had a default for it. */
const onlyOfBeta = 'flowcontrol.k8s.io/preserve-zero-concurrency-shares';

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

/** Source: pkg/apis/flowcontrol/validation ValidatePriorityLevelConfiguration. */
function validate({ metadata, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.annotations?.[onlyOfBeta] !== undefined) {
    errors.push(forbidden('metadata.annotations', `annotation '${onlyOfBeta}' is forbidden`));
  }
  checkLevel(errors, metadata.name, spec);
  checkMandatory(errors, metadata.name, spec);
  checkConditionTypes(errors, 'status.conditions', status?.conditions);
  return errors;
}

function checkLevel(
  errors: FieldError[],
  name: string,
  { type, limited, exempt }: PriorityLevelConfigurationSpec,
): void {
  if ((name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (!types.includes(type)) errors.push(notSupported('spec.type', type, types));
  if (type === 'Exempt') {
    if (limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    checkShares(errors, 'spec.exempt', exempt);
    checkLendable(errors, 'spec.exempt', exempt);
  }
  if (type === 'Limited') {
    if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    if (limited) checkLimited(errors, limited);
    else errors.push(required('spec.limited', 'must not be empty when type is Limited'));
  }
}

function checkMandatory(errors: FieldError[], name: string, spec: PriorityLevelConfigurationSpec): void {
  const mandatory = mandatoryLevels[name];
  const isExempt = name === 'exempt';
  if (!mandatory || semanticallyEqual(isExempt ? { ...spec, exempt: mandatory.exempt } : spec, mandatory)) return;
  const but = isExempt ? " except the 'spec.exempt' field" : '';
  errors.push(invalid('spec', spec, `spec of '${name}'${but} must equal the fixed value`));
}

function checkLimited(errors: FieldError[], limited: LimitedPriorityLevelConfiguration): void {
  checkShares(errors, 'spec.limited', limited);
  checkResponse(errors, 'spec.limited.limitResponse', limited.limitResponse);
  checkLendable(errors, 'spec.limited', limited);
  const borrowed = limited.borrowingLimitPercent ?? 0;
  if (borrowed < 0) {
    errors.push(
      invalid('spec.limited.borrowingLimitPercent', borrowed, 'if specified, must be a non-negative integer'),
    );
  }
}

function checkShares(errors: FieldError[], at: string, level: ExemptPriorityLevelConfiguration | undefined): void {
  const shares = level?.nominalConcurrencyShares ?? 0;
  if (shares < 0) errors.push(invalid(`${at}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'));
}

function checkLendable(errors: FieldError[], at: string, level: ExemptPriorityLevelConfiguration | undefined): void {
  const percent = level?.lendablePercent ?? 0;
  if (percent < 0 || percent > 100) errors.push(invalid(`${at}.lendablePercent`, percent, rangeMessage(0, 100)));
}

function checkResponse(errors: FieldError[], path: string, response: LimitResponse | undefined): void {
  const type = response?.type ?? '';
  const queuing = response?.queuing;
  if (!responses.includes(type)) errors.push(notSupported(`${path}.type`, type, responses));
  if (type === 'Reject' && queuing) {
    errors.push(forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'));
  }
  if (type !== 'Queue') return;
  if (queuing) checkQueuing(errors, `${path}.queuing`, queuing);
  else errors.push(required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'));
}

function checkQueuing(errors: FieldError[], at: string, queuing: QueuingConfiguration): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) errors.push(invalid(`${at}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(`${at}.queues`, queues, 'must be positive'));
  if (queues > mostQueues) errors.push(invalid(`${at}.queues`, queues, `must not be greater than ${mostQueues}`));
  const detail = handMistake(queues, handSize);
  if (detail) errors.push(invalid(`${at}.handSize`, handSize, detail));
}

function handMistake(queues: number, handSize: number): string | undefined {
  if (handSize <= 0) return 'must be positive';
  if (handSize > queues) return `should not be greater than queues (${queues})`;
  if (Math.ceil(Math.log2(queues) * handSize) <= mostHashBits) return undefined;
  return `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${mostHashBits}`;
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
  ...flowStrategy<PriorityLevelConfiguration>(),
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
