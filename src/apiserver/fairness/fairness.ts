import type { FlowSchema, PriorityLevelConfiguration } from '#api';
import { resources } from '#api';
import type { Clock, Meter } from '#base';
import type { ObjectReader } from '../reader.ts';
import type { RequestInfo } from '../request-info.ts';
import type { User } from '../user.ts';
import { type Claim, type LevelShares, nominalLimits, type SeatLimits, shareOut } from './allocation.ts';
import { bootstrapLevels, bootstrapSchemas, mandatoryNames } from './bootstrap-objects.ts';
import { DemandMeter } from './demand.ts';
import { createFlowMatcher, distinguisherOf, type FlowMatcher } from './match.ts';
import { createFairnessMeters, type FairnessMeters, type FlowSeries } from './meters.ts';
import { QueueSet, type QueueSettings, type Rejection, type Ticket } from './queue-set.ts';
import { estimateSeats } from './seats.ts';
import { TurnGate } from './turn-gate.ts';

/** Upstream's period of borrowing. */
const adjustMs = 10_000;

export interface FairnessOptions {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly meter: Meter;
  /** --max-requests-inflight and --max-mutating-requests-inflight together. */
  readonly seats: number;
  /** How many objects of the request's resource are stored. */
  countObjects(info: RequestInfo): number | undefined;
  /** Default: setImmediate. */
  readonly schedule?: ((run: () => void) => void) | undefined;
}

/** One schema as it is being used. */
export interface Flow {
  readonly schema: FlowSchema;
  /** Go with every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly level: Level;
  readonly matches: FlowMatcher;
  readonly series: FlowSeries;
}

interface Level {
  readonly name: string;
  uid: string;
  isExempt: boolean;
  shares: LevelShares;
  limits: SeatLimits;
  readonly set: QueueSet;
}

export interface FairRequest {
  readonly user: User;
  readonly info: RequestInfo;
  signal(): AbortSignal;
  readonly isPatient: boolean;
  readonly isWrite: boolean;
}

/** API Priority and Fairness (KEP-1040): which flow a request belongs to, and when it may run. */
export interface Fairness extends Disposable {
  classify(user: User, info: RequestInfo): Flow;
  /** A ticket when it may run now; else a promise of one, or why it is refused. The ticket must be released. */
  start(flow: Flow, request: FairRequest): Ticket | Rejection | Promise<Ticket | Rejection>;
  /** Requests in queues now. */
  waiting(): number;
  /** Shares the seats out anew; called by itself every ten seconds. */
  adjust(): void;
}

const isMandatory = ({ metadata }: { metadata: { name: string } }) => mandatoryNames.includes(metadata.name);
const mandatoryLevels = bootstrapLevels.filter(isMandatory);
const mandatorySchemas = bootstrapSchemas.filter(isMandatory);

/** Follows the stored FlowSchemas and PriorityLevelConfigurations until it is disposed. The two mandatory ones of each stand even before they are stored. */
export function createFairness(options: FairnessOptions): Fairness {
  const { reader, clock } = options;
  const meters = createFairnessMeters(options.meter);
  const gate = new TurnGate({ schedule: options.schedule, monotonicMs: () => clock.monotonicMs() });
  const levels = new Map<string, Level>();
  let flows: readonly Flow[] = [];
  let isStale = true;
  const rebuild = () => {
    isStale = false;
    updateLevels(levels, { ...options, gate, meters });
    flows = compileFlows(withMandatory(reader.list(resources.flowschemas), mandatorySchemas), levels, meters);
  };
  const stale = () => {
    isStale = true;
  };
  const watched = [
    reader.onChange(resources.flowschemas, stale),
    reader.onChange(resources.prioritylevelconfigurations, stale),
  ];
  const adjust = () => {
    if (isStale) rebuild();
    adjustLimits([...levels.values()], { total: options.seats, nowMs: clock.monotonicMs(), meters });
  };
  let timer: Disposable;
  const arm = () => {
    timer = clock.timer(adjustMs, tick, { unref: true });
  };
  const tick = () => {
    adjust();
    arm();
  };
  arm();
  return {
    classify(user, info) {
      if (isStale) rebuild();
      for (const flow of flows) if (flow.matches(user, info)) return flow;
      return flows.at(-1)!;
    },
    start(flow, request) {
      if (flow.level.isExempt) return startExempt(flow, clock);
      const seats = estimateSeats(request.info, options.countObjects);
      const distinguisher = distinguisherOf(flow.schema, request.user, request.info);
      return flow.level.set.start({
        flow: `${flow.schema.metadata.name}\0${distinguisher}`,
        seats,
        series: flow.series,
        signal: request.signal,
        isPatient: request.isPatient,
        isWrite: request.isWrite,
      });
    },
    waiting: () => [...levels.values()].reduce((sum, { set }) => sum + set.waitingCount, 0),
    adjust,
    [Symbol.dispose]() {
      timer[Symbol.dispose]();
      for (const one of watched) one[Symbol.dispose]();
    },
  };
}

/** Counted and never held back. */
function startExempt({ level, series }: Flow, clock: Clock): Ticket {
  const { set } = level;
  const startMs = clock.monotonicMs();
  set.seatsInUse++;
  set.demand.set(set.seatsInUse, startMs);
  series.began(1, 0);
  return {
    release() {
      const nowMs = clock.monotonicMs();
      set.seatsInUse--;
      set.demand.set(set.seatsInUse, nowMs);
      series.ended(1, nowMs - startMs);
    },
  };
}

function withMandatory<T extends { metadata: { name: string } }>(stored: readonly T[], mandatory: readonly T[]): T[] {
  const missing = mandatory.filter(one => !stored.some(({ metadata }) => metadata.name === one.metadata.name));
  return [...stored, ...missing];
}

interface UpdateOptions extends FairnessOptions {
  readonly gate: TurnGate;
  readonly meters: FairnessMeters;
}

function updateLevels(levels: Map<string, Level>, options: UpdateOptions): void {
  const { reader, clock, gate, meters, seats } = options;
  const wanted = withMandatory(reader.list(resources.prioritylevelconfigurations), mandatoryLevels);
  for (const name of levels.keys()) {
    if (wanted.some(({ metadata }) => metadata.name === name)) continue;
    // Requests that still wait there run down: the set lives on without the name.
    levels.delete(name);
    meters.forget(name);
  }
  const limits = nominalLimits(wanted.map(sharesOf), seats);
  for (const config of wanted) {
    const { name } = config.metadata;
    let level = levels.get(name);
    const known = {
      uid: config.metadata.uid ?? '',
      shares: sharesOf(config),
      limits: limits.get(name)!,
      isExempt: config.spec.type === 'Exempt',
    };
    if (level) Object.assign(level, known);
    else {
      const demand = new DemandMeter(clock.monotonicMs());
      level = { name, ...known, set: new QueueSet({ clock, gate, demand }) };
      levels.set(name, level);
      level.set.limit = level.limits.nominal;
    }
    level.set.configure(queuesOf(config));
    level.set.limit = Math.min(Math.max(level.set.limit, level.limits.min), level.limits.max);
    meters.level(name, gaugesOf(level, 0, 0));
  }
}

function sharesOf({ metadata, spec }: PriorityLevelConfiguration): LevelShares {
  const settings = spec.type === 'Exempt' ? spec.exempt : spec.limited;
  return {
    name: metadata.name,
    isExempt: spec.type === 'Exempt',
    shares: settings?.nominalConcurrencyShares ?? (spec.type === 'Exempt' ? 0 : 30),
    lendablePercent: settings?.lendablePercent ?? 0,
    borrowingLimitPercent: spec.limited?.borrowingLimitPercent,
  };
}

function queuesOf({ spec }: PriorityLevelConfiguration): QueueSettings {
  const response = spec.limited?.limitResponse;
  if (response?.type !== 'Queue') return { queues: 1, handSize: 1, queueLengthLimit: 0 };
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response.queuing ?? {};
  return { queues, handSize, queueLengthLimit };
}

/** In the order in which they are tried; the catch-all is last. Schemas that name no level that exists are left out. */
function compileFlows(
  schemas: readonly FlowSchema[],
  levels: ReadonlyMap<string, Level>,
  meters: FairnessMeters,
): readonly Flow[] {
  const flows: Flow[] = [];
  for (const schema of schemas) {
    const level = levels.get(schema.spec.priorityLevelConfiguration.name);
    if (!level) continue;
    const headers = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.uid,
    };
    const series = meters.flow(level.name, schema.metadata.name);
    flows.push({ schema, level, headers, matches: createFlowMatcher(schema), series });
  }
  return flows.sort(byPrecedence);
}

function byPrecedence({ schema: a }: Flow, { schema: b }: Flow): number {
  const difference = (a.spec.matchingPrecedence ?? 1000) - (b.spec.matchingPrecedence ?? 1000);
  return difference || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function adjustLimits(
  levels: readonly Level[],
  { total, nowMs, meters }: { total: number; nowMs: number; meters: FairnessMeters },
): void {
  const claims: Claim[] = levels.map(({ name, isExempt, limits, set }) => ({
    ...limits,
    ...{ name, isExempt, demand: set.demand.take(nowMs) },
  }));
  const { current, fraction } = shareOut(claims, total);
  meters.fraction(fraction);
  for (const [index, level] of levels.entries()) {
    level.set.limit = current.get(level.name)!;
    const { highest, smooth } = claims[index]!.demand;
    meters.level(level.name, gaugesOf(level, highest, smooth));
  }
}

function gaugesOf({ limits, set }: Level, highest: number, smooth: number) {
  return {
    nominal_limit_seats: limits.nominal,
    lower_limit_seats: limits.min,
    upper_limit_seats: limits.max,
    current_limit_seats: set.limit,
    demand_seats_high_watermark: highest,
    demand_seats_average: set.demand.average,
    demand_seats_stdev: set.demand.deviation,
    demand_seats_smoothed: smooth,
  };
}
