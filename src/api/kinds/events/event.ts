import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { EventsEvent } from '../../types.ts';
import { count, nameColumn, since, text, wide } from '../columns.ts';
import { eventLimits } from '../core/event.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';

const unset = 'needs to be unset';

function validate(event: EventsEvent): FieldError[] {
  const errors: FieldError[] = [];
  const target = event.regarding?.namespace ?? '';
  const own = event.metadata.namespace ?? '';
  // Without a time it is judged as an old event.
  if (!event.eventTime) {
    const fits = target ? target === own : own === '' || own === 'default';
    return fits ? [] : [invalid('involvedObject.namespace', target, 'does not match event.namespace')];
  }
  if (!target && own !== 'default' && own !== 'kube-system') {
    errors.push(invalid('involvedObject.namespace', target, 'does not match event.namespace'));
  }
  const controller = event.reportingController ?? '';
  if (!controller) errors.push(required('reportingController'));
  pushInvalid(errors, 'reportingController', controller, checkQualifiedName(controller));
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = event[field] ?? '';
    if (!value) errors.push(required(field));
    if (value.length > eventLimits[field]) {
      errors.push(invalid(field, '', `can have at most ${eventLimits[field]} characters`));
    }
  }
  if ((event.note ?? '').length > eventLimits.note) {
    errors.push(invalid('message', '', `can have at most ${eventLimits.note} characters`));
  }
  return errors;
}

function checkSeries(errors: FieldError[], event: EventsEvent): void {
  if (!event.series) return;
  if (event.series.count < 2) errors.push(invalid('series.count', '', 'should be at least 2'));
  if (!event.series.lastObservedTime) errors.push(required('series.lastObservedTime'));
}

function validateCreate(event: EventsEvent): FieldError[] {
  const errors = validate(event);
  checkSeries(errors, event);
  if (!event.eventTime) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`));
  }
  if (event.deprecatedFirstTimestamp) errors.push(invalid('firstTimestamp', '', unset));
  if (event.deprecatedLastTimestamp) errors.push(invalid('lastTimestamp', '', unset));
  if (event.deprecatedCount) errors.push(invalid('count', '', unset));
  if (event.deprecatedSource?.component || event.deprecatedSource?.host) errors.push(invalid('source', '', unset));
  return errors;
}

/** What may not change, and what upstream calls it: its errors speak of the core form. */
const fixed: readonly (readonly [keyof EventsEvent, string])[] = [
  ['regarding', 'involvedObject'],
  ['reason', 'reason'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingController', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
];

function validateUpdate(event: EventsEvent, old: EventsEvent): FieldError[] {
  const errors = validate(event);
  if (!semanticallyEqual(event.series, old.series)) checkSeries(errors, event);
  for (const [field, name] of fixed) {
    if (!semanticallyEqual(event[field] ?? '', old[field] ?? '')) {
      errors.push(invalid(name, event[field], immutableMessage));
    }
  }
  return errors;
}

function firstSeen(event: EventsEvent, nowMs: number): string {
  return since(event.deprecatedFirstTimestamp ?? event.eventTime, nowMs);
}

function lastSeen(event: EventsEvent, nowMs: number): string {
  if (event.series) return since(event.series.lastObservedTime, nowMs);
  return event.deprecatedLastTimestamp ? since(event.deprecatedLastTimestamp, nowMs) : firstSeen(event, nowMs);
}

function formatSource(event: EventsEvent): string {
  const component = event.deprecatedSource?.component || event.reportingController || '';
  const instance = event.deprecatedSource?.host || event.reportingInstance || '';
  return instance ? `${component}, ${instance}` : component;
}

function formatTarget(event: EventsEvent): string {
  const { kind = '', name } = event.regarding ?? {};
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

export const eventsEvent: KindBehaviour<EventsEvent> = {
  shortNames: ['ev'],
  validateCreate,
  validateUpdate,
  columns: [
    text('Last Seen', 'Time since the event happened last.', lastSeen),
    text('Type', 'Normal or Warning.', o => o.type ?? ''),
    text('Reason', 'Why it happened, in one word.', o => o.reason ?? ''),
    text('Object', 'What it happened to.', formatTarget),
    wide(text('Subobject', 'Which part of the object.', o => o.regarding?.fieldPath ?? '')),
    wide(text('Source', 'Who reports it.', formatSource)),
    text('Message', 'What happened.', o => (o.note ?? '').trim()),
    wide(text('First Seen', 'Time since the event happened first.', firstSeen)),
    wide({
      ...count<EventsEvent>('Count', 'How often it happened.', o =>
        o.series ? o.series.count : o.deprecatedCount || 1,
      ),
      type: 'string',
    }),
    wide(nameColumn),
  ],
  selectableFields: {
    'regarding.kind': o => o.regarding?.kind ?? '',
    'regarding.namespace': o => o.regarding?.namespace ?? '',
    'regarding.name': o => o.regarding?.name ?? '',
    'regarding.uid': o => o.regarding?.uid ?? '',
    'regarding.apiVersion': o => o.regarding?.apiVersion ?? '',
    'regarding.resourceVersion': o => o.regarding?.resourceVersion ?? '',
    'regarding.fieldPath': o => o.regarding?.fieldPath ?? '',
    reason: o => o.reason ?? '',
    reportingController: o => o.reportingController ?? '',
    type: o => o.type ?? '',
  },
  createOnUpdate: true,
  volatile: () => true,
};
