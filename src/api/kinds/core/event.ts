import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { Event } from '../../types.ts';
import { count, nameColumn, since, text, wide } from '../columns.ts';
import { invalid, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';

export const eventLimits = { action: 128, reason: 128, reportingInstance: 128, note: 1024 } as const;
const foreignNamespace = 'does not match event.namespace';

function validate(event: Event): FieldError[] {
  const errors: FieldError[] = [];
  const target = event.involvedObject?.namespace ?? '';
  const own = event.metadata.namespace ?? '';
  const namespaceField = 'involvedObject.namespace';
  if (!event.eventTime) {
    const fits = target ? target === own : own === '' || own === 'default';
    if (!fits) errors.push(invalid(namespaceField, target, foreignNamespace));
    return errors;
  }
  if (!target && own !== 'default' && own !== 'kube-system') {
    errors.push(invalid(namespaceField, target, foreignNamespace));
  }
  const controller = event.reportingComponent ?? '';
  if (!controller) errors.push(required('reportingComponent'));
  pushInvalid(errors, 'reportingComponent', controller, checkQualifiedName(controller));
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = event[field] ?? '';
    if (!value) errors.push(required(field));
    if (value.length > eventLimits[field]) {
      errors.push(invalid(field, '', `can have at most ${eventLimits[field]} characters`));
    }
  }
  if ((event.message ?? '').length > eventLimits.note) {
    errors.push(invalid('message', '', `can have at most ${eventLimits.note} characters`));
  }
  return errors;
}

function firstSeen(event: Event, nowMs: number): string {
  return since(event.firstTimestamp ?? event.eventTime, nowMs);
}

function lastSeen(event: Event, nowMs: number): string {
  if (event.series) return since(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp ? since(event.lastTimestamp, nowMs) : firstSeen(event, nowMs);
}

function formatSource(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const instance = event.source?.host || event.reportingInstance || '';
  return instance ? `${component}, ${instance}` : component;
}

function formatTarget(event: Event): string {
  const { kind = '', name } = event.involvedObject ?? {};
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

const columns: readonly Column<Event>[] = [
  text('Last Seen', 'Time since the event happened last.', lastSeen),
  text('Type', 'Normal or Warning.', o => o.type ?? ''),
  text('Reason', 'Why it happened, in one word.', o => o.reason ?? ''),
  text('Object', 'What it happened to.', formatTarget),
  wide(text('Subobject', 'Which part of the object.', o => o.involvedObject?.fieldPath ?? '')),
  wide(text('Source', 'Who reports it.', formatSource)),
  text('Message', 'What happened.', o => (o.message ?? '').trim()),
  wide(text('First Seen', 'Time since the event happened first.', firstSeen)),
  wide({
    ...count<Event>('Count', 'How often it happened.', o => (o.series ? o.series.count : o.count || 1)),
    type: 'string',
  }),
  wide(nameColumn),
];

export const event: KindBehaviour<Event> = {
  shortNames: ['ev'],
  validateCreate: validate,
  validateUpdate: validate,
  columns,
  selectableFields: {
    'involvedObject.kind': o => o.involvedObject?.kind ?? '',
    'involvedObject.namespace': o => o.involvedObject?.namespace ?? '',
    'involvedObject.name': o => o.involvedObject?.name ?? '',
    'involvedObject.uid': o => o.involvedObject?.uid ?? '',
    'involvedObject.apiVersion': o => o.involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': o => o.involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': o => o.involvedObject?.fieldPath ?? '',
    reason: o => o.reason ?? '',
    reportingComponent: o => o.reportingComponent ?? '',
    source: o => o.source?.component || o.reportingComponent || '',
    type: o => o.type ?? '',
  },
  createOnUpdate: true,
  volatile: () => true,
};
