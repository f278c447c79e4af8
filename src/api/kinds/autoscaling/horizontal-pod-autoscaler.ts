import type { KindBehaviour } from '../../kind.ts';
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './autoscaler-rules.ts';

const upPolicies = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];
const downPolicies = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

function defaults(draft: HorizontalPodAutoscaler): void {
  const spec = draft.spec;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: 80 };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (!spec.behavior) return;
  spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, { stabilizationWindowSeconds: 0, policies: upPolicies });
  spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, { policies: downPolicies });
}

function withDefaults(rules: HPAScalingRules | undefined, defaults: HPAScalingRules): HPAScalingRules {
  const policies = (defaults.policies ?? []).map(policy => ({ ...policy }));
  const given = Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value != null));
  return { selectPolicy: 'Max', ...defaults, policies, ...given };
}

/** `cpu: 12%/80%`, `3/10 (avg)`: what is, over what shall be. */
function formatMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  const [kind, prefix] = metricKinds[spec.type] ?? [undefined, false];
  const source = kind ? spec[kind] : undefined;
  if (!kind || !source) return '<unknown type>';
  const current = status?.[kind]?.current;
  const { target } = source;
  const name = prefix && 'name' in source ? `${source.name}: ` : '';
  if (target.averageValue !== undefined) {
    const suffix = kind === 'object' || kind === 'external' ? ' (avg)' : '';
    return `${name}${current?.averageValue ?? '<unknown>'}/${target.averageValue}${suffix}`;
  }
  if (!prefix) return `${current?.value ?? '<unknown>'}/${target.value}`;
  const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`;
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  return `${name}${now}/${wanted}`;
}

/** Where a metric of a type stands, and whether it says its name. */
const metricKinds: Readonly<
  Record<string, readonly ['external' | 'pods' | 'object' | 'resource' | 'containerResource', boolean]>
> = {
  External: ['external', false],
  Pods: ['pods', false],
  Object: ['object', false],
  Resource: ['resource', true],
  ContainerResource: ['containerResource', true],
};

function formatTargets(object: HorizontalPodAutoscaler): string {
  const specs = object.spec.metrics ?? [];
  if (specs.length === 0) return '<none>';
  const parts = specs.map((spec, index) => formatMetric(spec, object.status?.currentMetrics?.[index]));
  const shown = parts.slice(0, 2).join(', ');
  return parts.length > 2 ? `${shown} + ${parts.length - 2} more...` : shown;
}

export const horizontalPodAutoscaler: KindBehaviour<HorizontalPodAutoscaler> = {
  shortNames: ['hpa'],
  categories: ['all'],
  defaults,
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
  },
  validateCreate: validateAutoscaler,
  validateUpdate: validateAutoscalerUpdate,
  validateSubresource: validateAutoscalerStatus,
  columns: [
    nameColumn,
    text('Reference', 'What it scales.', o => `${o.spec.scaleTargetRef.kind}/${o.spec.scaleTargetRef.name}`),
    text('Targets', 'Current and wanted values of its metrics.', formatTargets),
    text('MinPods', 'Lower bound of pods.', o =>
      o.spec.minReplicas === undefined ? '<unset>' : String(o.spec.minReplicas),
    ),
    { ...count<HorizontalPodAutoscaler>('MaxPods', 'Upper bound of pods.', o => o.spec.maxReplicas), type: 'string' },
    {
      ...count<HorizontalPodAutoscaler>('Replicas', 'Pods that there are.', o => o.status?.currentReplicas),
      type: 'string',
    },
    ageColumn,
  ],
};
