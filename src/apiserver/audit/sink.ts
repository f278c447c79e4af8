import type { Meter } from '#base';
import type { AuditEvent } from './event.ts';

/** Takes events and never blocks: what it cannot keep is dropped, counted and said in the log. Disposing writes what is waiting. */
export interface AuditSink extends AsyncDisposable {
  accept(event: AuditEvent): void;
}

/** Counts what a sink loses, under upstream's name. */
export function createLossCounter(meter: Meter, plugin: string): (count: number) => void {
  const lost = meter.counter({
    name: 'apiserver_audit_error_total',
    help: 'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
    labels: ['plugin'],
  });
  return count => lost.add({ plugin }, count);
}
