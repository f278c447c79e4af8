/**
 * Autoscalers of autoscaling/v1 know one metric, the processor; what else there is stands in annotations, so that nothing is lost on the way
 * there and back. Source: pkg/apis/autoscaling/v1/conversion.go.
 */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  HorizontalPodAutoscalerV1,
  HorizontalPodAutoscalerV1Status,
  HPAScalingRules,
  MetricSpec,
} from '../../types.ts';
import { fromOldSpec, fromOldStatus, type OldMetric, toOldSpec, toOldStatus } from './metric-forms.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const keys = {
  metrics: `${prefix}metrics`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  behavior: `${prefix}behavior`,
} as const;
const carried: ReadonlySet<string> = new Set([
  ...Object.values(keys),
  `${prefix}scale-down-tolerance`,
  `${prefix}scale-up-tolerance`,
]);
const defaultUtilization = 80;

type Annotations = Record<string, string>;

/** In the old form; the given one stays as it is. */
export function autoscalerToV1(object: HorizontalPodAutoscaler): HorizontalPodAutoscalerV1 {
  const { scaleTargetRef, minReplicas, maxReplicas, metrics = [], behavior } = object.spec;
  const { currentMetrics = [], conditions = [] } = object.status ?? {};
  const added: Annotations = {};
  const others = metrics.filter(metric => !isProcessor(metric));
  if (others.length > 0) added[keys.metrics] = JSON.stringify(others.map(toOldSpec));
  if (currentMetrics.length > 0) added[keys.currentMetrics] = JSON.stringify(currentMetrics.map(toOldStatus));
  if (behavior) added[keys.behavior] = JSON.stringify(capitalizedBehavior(behavior));
  if (conditions.length > 0) {
    const texts = conditions.map(({ type, status, lastTransitionTime = null, reason, message }) => {
      return { type, status, lastTransitionTime, reason, message };
    });
    added[keys.conditions] = JSON.stringify(texts);
  }
  const target = metrics.find(isProcessor)?.resource?.target.averageUtilization;
  const { status, ...rest } = object;
  return {
    ...rest,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object.metadata, added),
    spec: {
      scaleTargetRef,
      ...(minReplicas !== undefined && { minReplicas }),
      maxReplicas,
      ...(target !== undefined && { targetCPUUtilizationPercentage: target }),
    },
    ...(status && { status: oldStatus(status) }),
  };
}

function isProcessor({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function oldStatus(status: HorizontalPodAutoscalerStatus): HorizontalPodAutoscalerV1Status {
  const { currentMetrics = [], conditions: _, ...rest } = status;
  const shares = currentMetrics.flatMap(({ type, resource }) => {
    return type === 'Resource' && resource?.name === 'cpu' ? (resource.current.averageUtilization ?? []) : [];
  });
  const share = shares.at(-1);
  const { currentReplicas = 0, desiredReplicas = 0, ...times } = rest;
  return {
    ...times,
    currentReplicas,
    desiredReplicas,
    ...(share !== undefined && { currentCPUUtilizationPercentage: share }),
  };
}

/** In the form of autoscaling/v2; annotations that cannot be read are passed over, as upstream does. */
export function autoscalerToV2(object: HorizontalPodAutoscalerV1): HorizontalPodAutoscaler {
  const annotations = object.metadata.annotations ?? {};
  const { targetCPUUtilizationPercentage: share, ...spec } = object.spec;
  const others = readList<OldMetric>(annotations[keys.metrics]).map(fromOldSpec);
  const processor = share === undefined && others.length > 0 ? [] : [processorMetric(share ?? defaultUtilization)];
  const behavior = readBehavior(annotations[keys.behavior]);
  const converted: HorizontalPodAutoscalerSpec = {
    ...spec,
    metrics: [...others, ...processor],
    ...(behavior && { behavior }),
  };
  const { status: given, ...rest } = object;
  const status = newStatus(given, annotations);
  return {
    ...rest,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object.metadata, {}),
    spec: withoutGaps(converted),
    ...(status && { status: withoutGaps(status) }),
  };
}

function newStatus(
  status: HorizontalPodAutoscalerV1Status | undefined,
  annotations: Annotations,
): HorizontalPodAutoscalerStatus | undefined {
  const noted = readList<OldMetric>(annotations[keys.currentMetrics]).map(fromOldStatus);
  const conditions = readList<NonNullable<HorizontalPodAutoscalerStatus['conditions']>[number]>(
    annotations[keys.conditions],
  );
  if (!status && noted.length === 0 && conditions.length === 0) return undefined;
  const { currentCPUUtilizationPercentage: share, ...rest } = status ?? { currentReplicas: 0, desiredReplicas: 0 };
  const processor =
    share === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: share } } }];
  const currentMetrics = annotations[keys.currentMetrics] === undefined ? processor : noted;
  return {
    ...rest,
    ...(currentMetrics.length > 0 && { currentMetrics }),
    ...(conditions.length > 0 && { conditions }),
  };
}

function processorMetric(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function withAnnotations<T extends { annotations?: Annotations | undefined }>(metadata: T, added: Annotations): T {
  const old = metadata.annotations;
  const isClean = Object.keys(added).length === 0 && !Object.keys(old ?? {}).some(key => carried.has(key));
  if (isClean) return metadata;
  const { annotations: _, ...rest } = metadata;
  const kept = Object.entries(old ?? {}).filter(([key]) => !carried.has(key));
  const annotations = { ...Object.fromEntries(kept), ...added };
  return { ...rest, ...(Object.keys(annotations).length > 0 && { annotations }) } as T;
}

/** Upstream writes its internal form here, whose members begin with capitals and are all there. */
function capitalizedBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): unknown {
  const rules = (given: HPAScalingRules | undefined) =>
    given
      ? {
          StabilizationWindowSeconds: given.stabilizationWindowSeconds ?? null,
          SelectPolicy: given.selectPolicy ?? null,
          Policies:
            given.policies?.map(({ type, value, periodSeconds }) => {
              return { Type: type, Value: value, PeriodSeconds: periodSeconds };
            }) ?? null,
          Tolerance: given.tolerance ?? null,
        }
      : null;
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

function readBehavior(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const read = uncapitalized(parse(text)) as HorizontalPodAutoscalerBehavior | undefined;
  return read && (read.scaleUp || read.scaleDown) ? read : undefined;
}

/** Go reads members whatever their case. */
function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(
    entries.map(([key, member]) => [key.charAt(0).toLowerCase() + key.slice(1), uncapitalized(member)]),
  );
}

function readList<T>(text: string | undefined): T[] {
  const value = parse(text);
  return Array.isArray(value) ? (value as T[]) : [];
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A user may have written anything there.
  }
}

/** Without members that are undefined: an object that is stored or shown has none. */
function withoutGaps<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
