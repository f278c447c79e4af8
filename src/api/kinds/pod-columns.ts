import type { Column } from '../kind.ts';
import type { Pod } from '../types.ts';
import { ageColumn, nameColumn, text, wide } from './columns.ts';
import { summarizePod } from './pod-status.ts';

function formatReady(pod: Pod, nowMs: number): string {
  const { ready, total } = summarizePod(pod, nowMs);
  return `${ready}/${total}`;
}

function formatGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const conditions = pod.status?.conditions ?? [];
  const passed = gates.filter(gate => conditions.find(c => c.type === gate.conditionType)?.status === 'True');
  return `${passed.length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  text('Ready', 'The aggregate readiness state of this pod for accepting traffic.', formatReady),
  text(
    'Status',
    'The aggregate status of the containers in this pod.',
    (pod, nowMs) => summarizePod(pod, nowMs).reason,
  ),
  text(
    'Restarts',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    (pod, nowMs) => summarizePod(pod, nowMs).restarts,
  ),
  ageColumn,
  wide(text('IP', 'Address of the pod.', pod => pod.status?.podIPs?.[0]?.ip || '<none>')),
  wide(text('Node', 'Node that runs the pod.', pod => pod.spec.nodeName || '<none>')),
  wide(
    text(
      'Nominated Node',
      'Node on which lower pods are making room for this one.',
      pod => pod.status?.nominatedNodeName || '<none>',
    ),
  ),
  wide(text('Readiness Gates', 'How many of the extra conditions for readiness are true.', formatGates)),
];
