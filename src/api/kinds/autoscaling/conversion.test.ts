import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerV1 } from '../../types.ts';
import { autoscalerToV1, autoscalerToV2 } from './conversion.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const metadata = { name: 'web', namespace: 'shop', annotations: { mine: 'x' } };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const percent = (averageUtilization: number) => ({ type: 'Utilization', averageUtilization });

const full: HorizontalPodAutoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata,
  spec: {
    scaleTargetRef,
    minReplicas: 2,
    maxReplicas: 5,
    metrics: [
      { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '3' } } },
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      { type: 'Resource', resource: { name: 'cpu', target: percent(60) } },
      {
        type: 'Object',
        object: {
          describedObject: { kind: 'Service', name: 'web', apiVersion: 'v1' },
          metric: { name: 'hits', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '7' },
        },
      },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '9' } } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'app', target: percent(30) } },
    ],
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }] },
      scaleDown: { selectPolicy: 'Max', tolerance: '10m' },
    },
  },
  status: {
    currentReplicas: 3,
    desiredReplicas: 4,
    observedGeneration: 1,
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '120m' } } },
    ],
    conditions: [
      {
        type: 'AbleToScale',
        status: 'True',
        lastTransitionTime: '2030-01-01T00:00:00Z',
        reason: 'Ready',
        message: 'ok',
      },
    ],
  },
};

test('what the old form cannot say stands in annotations, as upstream writes them', () => {
  const old = autoscalerToV1(full);
  assert.deepEqual(old.spec, { scaleTargetRef, minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 60 });
  assert.deepEqual(old.status, {
    currentReplicas: 3,
    desiredReplicas: 4,
    observedGeneration: 1,
    currentCPUUtilizationPercentage: 12,
  });
  assert.deepEqual(old.metadata.annotations, {
    mine: 'x',
    [`${prefix}metrics`]:
      '[{"type":"Pods","pods":{"metricName":"rate","targetAverageValue":"3"}},' +
      '{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}},' +
      '{"type":"Object","object":{"target":{"kind":"Service","name":"web","apiVersion":"v1"},"metricName":"hits","targetValue":"0","selector":{"matchLabels":{"a":"b"}},"averageValue":"7"}},' +
      '{"type":"External","external":{"metricName":"queue","targetValue":"9"}},' +
      '{"type":"ContainerResource","containerResource":{"name":"cpu","targetAverageUtilization":30,"container":"app"}}]',
    [`${prefix}current-metrics`]:
      '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":12,"currentAverageValue":"120m"}}]',
    [`${prefix}behavior`]:
      '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}],"Tolerance":null},' +
      '"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":null,"Tolerance":"10m"}}',
    [`${prefix}conditions`]:
      '[{"type":"AbleToScale","status":"True","lastTransitionTime":"2030-01-01T00:00:00Z","reason":"Ready","message":"ok"}]',
  });
  assert.deepEqual(full.metadata.annotations, { mine: 'x' }, 'the given object stays');
});

test('there and back nothing is lost', () => {
  const back = autoscalerToV2(autoscalerToV1(full));
  // The processor comes last: the old form has it apart.
  const [cpu] = full.spec.metrics!.splice(2, 1);
  assert.deepEqual(back, { ...full, spec: { ...full.spec, metrics: [...full.spec.metrics!, cpu] } });
});

test('the old form wants 80 % of the processor unless it says something else', () => {
  const old = (spec: object, annotations?: Record<string, string>): HorizontalPodAutoscalerV1 => ({
    metadata: { name: 'web', ...(annotations && { annotations }) },
    spec: { scaleTargetRef, maxReplicas: 3, ...spec },
  });
  const shares = (object: HorizontalPodAutoscalerV1) =>
    autoscalerToV2(object).spec.metrics?.map(({ resource }) => resource?.target.averageUtilization);
  assert.deepEqual(shares(old({})), [80]);
  assert.deepEqual(shares(old({ targetCPUUtilizationPercentage: 50 })), [50]);
  assert.deepEqual(shares(old({}, { [`${prefix}metrics`]: 'nonsense' })), [80]);
  const other = '[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":5}}]';
  assert.deepEqual(shares(old({}, { [`${prefix}metrics`]: other })), [5]);
  assert.equal(autoscalerToV2(old({}, { [`${prefix}metrics`]: other })).metadata.annotations, undefined);
});
