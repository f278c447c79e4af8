import type { Clock } from '#base';
import { dealHand } from './dealer.ts';
import type { DemandMeter } from './demand.ts';
import type { FlowSeries } from './meters.ts';
import type { GateGuest, TurnGate } from './turn-gate.ts';

/** Why a request is not let in; upstream's label values. */
export type Rejection = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** A request that runs: give the seats back once. */
export interface Ticket {
  release(): void;
}

export interface Arrival {
  /** Schema and distinguisher: requests of one flow share a hand of queues. */
  readonly flow: string;
  readonly seats: number;
  readonly isWrite: boolean;
  readonly series: FlowSeries;
  /** Leaves the queue when it aborts; asked for only by those that wait. */
  signal(): AbortSignal;
  /** Waits as long as it takes and is never refused: callers in this process, whose number is bounded by themselves. */
  readonly isPatient: boolean;
}

export interface QueueSettings {
  readonly queues: number;
  readonly handSize: number;
  /** 0: whoever cannot run at once is refused. */
  readonly queueLengthLimit: number;
}

/** A quarter of upstream's --request-timeout. */
export const waitLimitMs = 15_000;
/** What a request is expected to take; longer ones are charged for the rest when they end. */
const expectedMs = 3;
/** Flows whose hands are remembered. */
const maxHands = 4096;

interface Waiting extends Arrival {
  readonly queue: Queue;
  readonly sinceMs: number;
  settle(outcome: Ticket | Rejection): void;
}

interface Queue {
  /** In order of arrival. */
  readonly waiting: Set<Waiting>;
  seatsWaiting: number;
  /** Virtual time at which its next request begins: what the queue has been given so far. */
  nextStart: number;
}

/**
 * The seats of one priority level, and the queues before them. Flows are dealt hands of queues; the queue that has been given least goes next (start-time fair
 * queuing: virtual time is that of the request begun last, so it advances with the work really done).
 */
export class QueueSet implements GateGuest {
  gateTag = 0;
  seatsInUse = 0;
  executing = 0;
  seatsWaiting = 0;
  waitingCount = 0;
  readonly demand: DemandMeter;
  #limit = 1;
  #settings: QueueSettings = { queues: 1, handSize: 1, queueLengthLimit: 0 };
  #queues: Queue[] = [newQueue()];
  readonly #busy = new Set<Queue>();
  readonly #hands = new Map<string, readonly number[]>();
  #arrivals = 0;
  #virtual = 0;
  readonly #clock: Clock;
  readonly #gate: TurnGate;

  constructor(deps: { clock: Clock; gate: TurnGate; demand: DemandMeter }) {
    this.#clock = deps.clock;
    this.#gate = deps.gate;
    this.demand = deps.demand;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Seats that may be used from now on; those in use above that are not taken away. */
  set limit(seats: number) {
    this.#limit = Math.max(1, seats);
    this.#dispatch();
  }

  /** Requests that wait stay in their queues, also when there are fewer now. */
  configure(settings: QueueSettings): void {
    const { queues, handSize } = this.#settings;
    if (queues === settings.queues && handSize === settings.handSize) {
      this.#settings = settings;
      return;
    }
    this.#settings = settings;
    this.#hands.clear();
    while (this.#queues.length < settings.queues) this.#queues.push(newQueue());
    this.#queues.length = Math.max(1, settings.queues);
  }

  /** Runs now (a ticket), later (a promise), or not (the reason). */
  start(arrival: Arrival): Ticket | Rejection | Promise<Ticket | Rejection> {
    const isFree = this.waitingCount === 0 && this.#fits(arrival.seats);
    if (isFree && this.#gate.take(arrival.seats, arrival.isWrite)) {
      const hand = this.#handOf(arrival.flow);
      return this.#begin(arrival, this.#queues[hand[this.#arrivals++ % hand.length]!]!, 0);
    }
    return this.#enqueue(arrival, isFree);
  }

  /** For the gate: the next request that fits. */
  dispatchOne(): { seats: number; isWrite: boolean } | undefined {
    const queue = this.#nextQueue();
    if (!queue) return undefined;
    const waiting: Waiting = queue.waiting.values().next().value!;
    if (!this.#fits(waiting.seats)) return undefined;
    this.#leave(waiting);
    this.gateTag += waiting.seats / this.#limit;
    const { seats, isWrite, series, sinceMs } = waiting;
    waiting.settle(this.#begin({ seats, series }, queue, this.#clock.monotonicMs() - sinceMs));
    return { seats, isWrite };
  }

  #enqueue(arrival: Arrival, isFree: boolean): Rejection | Promise<Ticket | Rejection> {
    const { queueLengthLimit } = this.#settings;
    if (queueLengthLimit === 0 && !isFree && !arrival.isPatient) return refuse(arrival, 'concurrency-limit');
    const queue = this.#shortest(arrival.flow);
    // A level without queues waits for the turn only: as many as it has seats.
    const most = queueLengthLimit || this.#limit;
    if (queue.waiting.size >= most && !arrival.isPatient) return refuse(arrival, 'queue-full');
    return new Promise(resolve => this.#wait(arrival, queue, resolve));
  }

  #wait(arrival: Arrival, queue: Queue, resolve: (outcome: Ticket | Rejection) => void): void {
    const { flow, seats, isWrite, series, isPatient } = arrival;
    const signal = arrival.signal();
    const giveUp = (reason: Rejection) => {
      this.#leave(waiting);
      this.#note();
      waiting.settle(refuse(arrival, reason));
    };
    const onAbort = () => giveUp('cancelled');
    const timer = isPatient ? undefined : this.#clock.timer(waitLimitMs, () => giveUp('time-out'), { unref: true });
    const waiting: Waiting = {
      ...{ flow, seats, isWrite, series, signal: arrival.signal, isPatient, queue },
      sinceMs: this.#clock.monotonicMs(),
      settle(outcome) {
        timer?.[Symbol.dispose]();
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      },
    };
    if (queue.waiting.size === 0) {
      queue.nextStart = Math.max(queue.nextStart, this.#virtual);
      this.#busy.add(queue);
    }
    queue.waiting.add(waiting);
    queue.seatsWaiting += seats;
    this.waitingCount++;
    this.seatsWaiting += seats;
    series.enqueued(seats, queue.waiting.size);
    this.#note();
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    this.#dispatch();
  }

  #leave(waiting: Waiting): void {
    const { queue, seats, series } = waiting;
    queue.waiting.delete(waiting);
    queue.seatsWaiting -= seats;
    if (queue.waiting.size === 0) this.#busy.delete(queue);
    this.waitingCount--;
    this.seatsWaiting -= seats;
    series.dequeued(seats);
  }

  #begin({ seats, series }: Pick<Arrival, 'seats' | 'series'>, queue: Queue, waitedMs: number): Ticket {
    const start = Math.max(queue.nextStart, queue.waiting.size === 0 ? this.#virtual : 0);
    if (start > this.#virtual) this.#virtual = start;
    queue.nextStart = start + seats;
    this.executing++;
    this.seatsInUse += seats;
    const startMs = this.#note();
    series.began(seats, waitedMs);
    let isOver = false;
    return {
      release: () => {
        if (isOver) return;
        isOver = true;
        this.executing--;
        this.seatsInUse -= seats;
        const tookMs = this.#note() - startMs;
        if (tookMs > expectedMs) queue.nextStart += seats * (tookMs / expectedMs - 1);
        series.ended(seats, tookMs);
        if (this.waitingCount > 0) this.#dispatch();
      },
    };
  }

  #dispatch(): void {
    if (this.waitingCount > 0 && this.seatsInUse < this.#limit) this.#gate.wait(this);
  }

  #note(): number {
    const nowMs = this.#clock.monotonicMs();
    this.demand.set(this.seatsInUse + this.seatsWaiting, nowMs);
    return nowMs;
  }

  /** A request wider than the level runs alone. */
  #fits(seats: number): boolean {
    return this.seatsInUse + seats <= this.#limit || this.seatsInUse === 0;
  }

  #nextQueue(): Queue | undefined {
    let next: Queue | undefined;
    for (const queue of this.#busy) if (!next || queue.nextStart < next.nextStart) next = queue;
    return next;
  }

  #shortest(flow: string): Queue {
    const hand = this.#handOf(flow);
    // Beginning elsewhere each time spreads flows whose hands overlap.
    const offset = this.#arrivals++ % hand.length;
    let best: Queue | undefined;
    for (let index = 0; index < hand.length; index++) {
      const queue = this.#queues[hand[(offset + index) % hand.length]!]!;
      if (!best || queue.seatsWaiting < best.seatsWaiting) best = queue;
    }
    return best!;
  }

  #handOf(flow: string): readonly number[] {
    let hand = this.#hands.get(flow);
    if (!hand) {
      hand = dealHand(flow, this.#queues.length, this.#settings.handSize);
      if (this.#hands.size >= maxHands) this.#hands.clear();
      this.#hands.set(flow, hand);
    }
    return hand;
  }
}

function newQueue(): Queue {
  return { waiting: new Set(), seatsWaiting: 0, nextStart: 0 };
}

function refuse({ series }: Pick<Arrival, 'series'>, reason: Rejection): Rejection {
  series.refused(reason);
  return reason;
}
