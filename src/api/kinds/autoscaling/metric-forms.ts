import type {
  CrossVersionObjectReference,
  LabelSelector,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  Quantity,
} from '../../types.ts';

/** One metric as autoscaling/v1 writes it into an annotation; of a spec and of a status. Members stand in the order of upstream's. */
export interface OldMetric {
  type: string;
  object?: OldSource | undefined;
  pods?: OldSource | undefined;
  resource?: OldSource | undefined;
  containerResource?: OldSource | undefined;
  external?: OldSource | undefined;
}

export interface OldSource {
  name?: string | undefined;
  container?: string | undefined;
  metricName?: string | undefined;
  selector?: LabelSelector | undefined;
  metricSelector?: LabelSelector | undefined;
  target?: CrossVersionObjectReference | undefined;
  averageValue?: Quantity | undefined;
  targetValue?: Quantity | undefined;
  targetAverageValue?: Quantity | undefined;
  targetAverageUtilization?: number | undefined;
  currentValue?: Quantity | undefined;
  currentAverageValue?: Quantity | undefined;
  currentAverageUtilization?: number | undefined;
}

// Amounts that are no pointers in Go are there even when nobody set them.
const none = '0';

export function toOldSpec({ type, object, pods, resource, containerResource, external }: MetricSpec): OldMetric {
  return {
    type,
    object: object && {
      target: referenceOf(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? none,
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? none,
      selector: pods.metric.selector,
    },
    resource: resource && { name: resource.name, ...oldTarget(resource.target) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...oldTarget(containerResource.target),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  };
}

function oldTarget({ averageUtilization, averageValue }: MetricTarget): OldSource {
  return { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue };
}

export function fromOldSpec({ type, object, pods, resource, containerResource, external }: OldMetric): MetricSpec {
  return {
    type,
    object: object && {
      describedObject: referenceOf(object.target),
      metric: { name: object.metricName ?? '', selector: object.selector },
      target: objectTarget(object),
    },
    pods: pods && {
      metric: { name: pods.metricName ?? '', selector: pods.selector },
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue ?? none },
    },
    resource: resource && { name: resource.name ?? '', target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      container: containerResource.container ?? '',
      target: resourceTarget(containerResource),
    },
    external: external && {
      metric: { name: external.metricName ?? '', selector: external.metricSelector },
      target: {
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      },
    },
  };
}

/** The old form cannot leave the value out, so beside an average a zero means none. */
function objectTarget({ averageValue, targetValue = none }: OldSource): MetricTarget {
  if (averageValue === undefined) return { type: 'Value', value: targetValue };
  return { type: 'AverageValue', value: targetValue === none ? undefined : targetValue, averageValue };
}

function resourceTarget({ targetAverageUtilization, targetAverageValue }: OldSource): MetricTarget {
  return {
    type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageValue: targetAverageValue,
    averageUtilization: targetAverageUtilization,
  };
}

export function toOldStatus({ type, object, pods, resource, containerResource, external }: MetricStatus): OldMetric {
  return {
    type,
    object: object && {
      target: referenceOf(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? none,
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? none,
      selector: pods.metric.selector,
    },
    resource: resource && { name: resource.name, ...oldCurrent(resource.current) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...oldCurrent(containerResource.current),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? none,
      currentAverageValue: external.current.averageValue,
    },
  };
}

function oldCurrent({ averageUtilization, averageValue = none }: MetricValueStatus): OldSource {
  return { currentAverageUtilization: averageUtilization, currentAverageValue: averageValue };
}

export function fromOldStatus({ type, object, pods, resource, containerResource, external }: OldMetric): MetricStatus {
  return {
    type,
    object: object && {
      describedObject: referenceOf(object.target),
      metric: { name: object.metricName ?? '', selector: object.selector },
      current: { value: object.currentValue ?? none, averageValue: object.averageValue },
    },
    pods: pods && {
      metric: { name: pods.metricName ?? '', selector: pods.selector },
      current: { averageValue: pods.currentAverageValue ?? none },
    },
    resource: resource && { name: resource.name ?? '', current: resourceCurrent(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      container: containerResource.container ?? '',
      current: resourceCurrent(containerResource),
    },
    external: external && {
      metric: { name: external.metricName ?? '', selector: external.metricSelector },
      current: { value: external.currentValue ?? none, averageValue: external.currentAverageValue },
    },
  };
}

function resourceCurrent({ currentAverageUtilization, currentAverageValue = none }: OldSource): MetricValueStatus {
  return { averageValue: currentAverageValue, averageUtilization: currentAverageUtilization };
}

function referenceOf(reference: CrossVersionObjectReference | undefined): CrossVersionObjectReference {
  const { kind = '', name = '', apiVersion } = reference ?? {};
  return { kind, name, apiVersion };
}
