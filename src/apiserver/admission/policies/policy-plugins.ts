import type { Scheme } from '#api';
import type { Clock, Meter } from '#base';
import type { Authorizer } from '../../access.ts';
import type { AdmissionPlugin } from '../../admission.ts';
import type { ObjectReader } from '../../reader.ts';
import { createConditionMeters } from '../condition-meters.ts';
import { createMutatingMeter, createValidatingMeter } from './meters.ts';
import { createMutatingPolicies } from './mutating.ts';
import { createRequestValues } from './request-values.ts';
import { createValidatingPolicies } from './validating.ts';

export interface PolicyPluginsOptions {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
  readonly clock: Clock;
  readonly meter: Meter;
  /** For `authorizer` in expressions. */
  readonly authorize: Authorizer;
}

/** The two plugins that evaluate policies. Disposing stops following the policies. */
export interface PolicyPlugins extends Disposable {
  readonly mutating: AdmissionPlugin;
  readonly validating: AdmissionPlugin;
}

export function createPolicyPlugins({ reader, scheme, clock, meter, authorize }: PolicyPluginsOptions): PolicyPlugins {
  const deps = {
    reader,
    scheme,
    values: createRequestValues(reader, authorize),
    conditionMeters: createConditionMeters(meter, 'policy'),
    nowMs: () => clock.monotonicMs(),
  };
  const mutating = createMutatingPolicies({ ...deps, meter: createMutatingMeter(meter) });
  const validating = createValidatingPolicies({ ...deps, meter: createValidatingMeter(meter) });
  return {
    mutating,
    validating,
    [Symbol.dispose]() {
      mutating[Symbol.dispose]();
      validating[Symbol.dispose]();
    },
  };
}
