import type { Meter } from '#base';
import { Family, type FamilySpec, type Series } from '../stages/series.ts';
import type { Rejection } from './queue-set.ts';

const seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const lengths = [0, 10, 25, 50, 100, 250, 500, 1000];
const widths = [1, 2, 4, 10];
const byFlow = ['priority_level', 'flow_schema'];
const byLevel = ['priority_level'];

const flowSpecs = {
  rejected_requests_total: [
    'counter',
    'Number of requests rejected by API Priority and Fairness subsystem',
    [...byFlow, 'reason'],
  ],
  dispatched_requests_total: ['counter', 'Number of requests executed by API Priority and Fairness subsystem', byFlow],
  current_inqueue_requests: [
    'gauge',
    'Number of requests currently pending in queues of the API Priority and Fairness subsystem',
    byFlow,
  ],
  current_inqueue_seats: [
    'gauge',
    'Number of seats currently pending in queues of the API Priority and Fairness subsystem',
    byFlow,
  ],
  current_executing_requests: [
    'gauge',
    'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem',
    byFlow,
  ],
  current_executing_seats: [
    'gauge',
    'Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem',
    byFlow,
  ],
  request_wait_duration_seconds: [
    'histogram',
    'Length of time a request spent waiting in its queue',
    [...byFlow, 'execute'],
    seconds,
  ],
  request_execution_seconds: [
    'histogram',
    'Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem',
    [...byFlow, 'type'],
    seconds,
  ],
  request_queue_length_after_enqueue: [
    'histogram',
    'Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued',
    byFlow,
    lengths,
  ],
  work_estimated_seats: [
    'histogram',
    'Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness',
    byFlow,
    widths,
  ],
} as const;

const levelSpecs = {
  nominal_limit_seats: 'Nominal number of execution seats configured for each priority level',
  lower_limit_seats: 'Configured lower bound on number of execution seats available to each priority level',
  upper_limit_seats: 'Configured upper bound on number of execution seats available to each priority level',
  current_limit_seats: 'current derived number of execution seats available to each priority level',
  demand_seats_high_watermark: 'High watermark, over last adjustment period, of demand_seats',
  demand_seats_average: 'Time-weighted average, over last adjustment period, of demand_seats',
  demand_seats_stdev: 'Time-weighted standard deviation, over last adjustment period, of demand_seats',
  demand_seats_smoothed: 'Smoothed seat demands',
} as const;

/** What is counted about one schema at one level; looked up once. */
export interface FlowSeries {
  enqueued(seats: number, length: number): void;
  dequeued(seats: number): void;
  began(seats: number, waitedMs: number): void;
  ended(seats: number, tookMs: number): void;
  refused(reason: Rejection): void;
}

export type LevelGauge = keyof typeof levelSpecs;

export interface FairnessMeters {
  flow(level: string, schema: string): FlowSeries;
  level(name: string, values: Readonly<Record<LevelGauge, number>>): void;
  fraction(value: number): void;
  /** A level is gone. */
  forget(level: string): void;
}

/** Upstream's meters of fairness, under their names. */
export function createFairnessMeters(meter: Meter): FairnessMeters {
  const make = (name: string, spec: Omit<FamilySpec, 'name'>) =>
    new Family({ name: `apiserver_flowcontrol_${name}`, ...spec });
  const flows = Object.fromEntries(
    Object.entries(flowSpecs).map(([name, [type, help, labels, buckets]]) => [
      name,
      make(name, { type, help, labels, ...(buckets && { buckets }) }),
    ]),
  ) as Record<keyof typeof flowSpecs, Family>;
  const levels = Object.entries(levelSpecs).map(
    ([name, help]) => [name as LevelGauge, make(name, { type: 'gauge', help, labels: byLevel })] as const,
  );
  const fraction = make('seat_fair_frac', {
    type: 'gauge',
    help: "Fair fraction of server's concurrency to allocate to each priority level that can use it",
    labels: [],
  });
  const all = [...Object.values(flows), ...levels.map(([, family]) => family), fraction];
  meter.expose(() => all.map(family => family.text()).join(''));
  return {
    flow: (level, schema) => flowSeries(flows, level, schema),
    level(name, values) {
      for (const [gauge, family] of levels) family.of(name).value = values[gauge];
    },
    fraction(value) {
      fraction.of().value = value;
    },
    forget(level) {
      for (const family of all) family.forget(level);
    },
  };
}

function flowSeries(flows: Record<keyof typeof flowSpecs, Family>, level: string, schema: string): FlowSeries {
  const of = (name: keyof typeof flowSpecs, ...more: string[]): Series => flows[name].of(level, schema, ...more);
  const dispatched = of('dispatched_requests_total');
  const [inQueue, seatsInQueue] = [of('current_inqueue_requests'), of('current_inqueue_seats')];
  const [executing, seatsExecuting] = [of('current_executing_requests'), of('current_executing_seats')];
  const waited = of('request_wait_duration_seconds', 'true');
  const took = of('request_execution_seconds', 'regular');
  const [length, width] = [of('request_queue_length_after_enqueue'), of('work_estimated_seats')];
  return {
    enqueued(seats, queued) {
      inQueue.add();
      seatsInQueue.add(seats);
      length.observe(queued);
    },
    dequeued(seats) {
      inQueue.add(-1);
      seatsInQueue.add(-seats);
    },
    began(seats, waitedMs) {
      dispatched.add();
      executing.add();
      seatsExecuting.add(seats);
      waited.observe(waitedMs / 1000);
      width.observe(seats);
    },
    ended(seats, tookMs) {
      executing.add(-1);
      seatsExecuting.add(-seats);
      took.observe(tookMs / 1000);
    },
    refused: reason => of('rejected_requests_total', reason).add(),
  };
}
