/** What one turn of the event loop takes at most, and at least, in requests of one seat. */
const most = 32;
const least = 2;
/** Writes of a turn share one commit: fewer than this would cost them more than others gain. */
const leastWrites = 8;
/** What a turn should take, in milliseconds: others wait about two of these. */
const turnMs = 1;
/** How much the newest turn counts in what a request is thought to cost. */
const newest = 0.2;

/** Something whose requests wait for the next turn. */
export interface GateGuest {
  /** Lowest goes first: work done so far, by what is allowed. */
  gateTag: number;
  /** Starts one waiting request and tells what it is; undefined when none can be started. */
  dispatchOne(): { seats: number; isWrite: boolean } | undefined;
}

export interface TurnGateOptions {
  /** Default: setImmediate. */
  readonly schedule?: ((run: () => void) => void) | undefined;
  monotonicMs(): number;
}

/**
 * One thread does all the work, so limits on how many requests are under way do not help those that come behind a hundred that need no waiting: they are
 * all run before anybody else is heard. The gate lets begin in each turn of the event loop what fits into about a millisecond, by what reads have taken lately; the
 * rest waits in the fair queues. Between priority levels it takes turns by the seats that they have.
 */
export class TurnGate {
  /** Part of the turn that is taken; 1 is all. */
  #taken = 0;
  #tag = 0;
  #isScheduled = false;
  /** Milliseconds of one seat's reading. */
  #cost = 0;
  #startMs = 0;
  #seats = 0;
  #hasWrites = false;
  readonly #guests = new Set<GateGuest>();
  readonly #schedule: (run: () => void) => void;
  readonly #monotonicMs: () => number;

  constructor({ schedule = setImmediate, monotonicMs }: TurnGateOptions) {
    this.#schedule = schedule;
    this.#monotonicMs = monotonicMs;
  }

  /** True: go ahead in this turn. Nobody passes those who already wait for the next. */
  take(seats: number, isWrite: boolean): boolean {
    if (this.#taken >= 1 || this.#guests.size > 0) return false;
    this.#begin(seats, isWrite);
    return true;
  }

  /** Will be asked to start requests when the next turn begins. */
  wait(guest: GateGuest): void {
    if (this.#guests.has(guest)) return;
    guest.gateTag = Math.max(guest.gateTag, this.#tag);
    this.#guests.add(guest);
    this.#arm();
  }

  #begin(seats: number, isWrite: boolean): void {
    if (this.#seats === 0) this.#startMs = this.#monotonicMs();
    const reads = Math.min(most, Math.max(least, this.#cost > 0 ? Math.floor(turnMs / this.#cost) : most));
    this.#taken += seats / (isWrite ? Math.min(most, Math.max(leastWrites, 2 * reads)) : reads);
    this.#seats += seats;
    this.#hasWrites ||= isWrite;
    this.#arm();
  }

  #arm(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    // Turns with writes last as long as the disk takes: that says nothing about the next.
    if (this.#seats > 0 && !this.#hasWrites) {
      const cost = (this.#monotonicMs() - this.#startMs) / this.#seats;
      this.#cost += newest * (cost - this.#cost);
    }
    [this.#taken, this.#seats, this.#hasWrites] = [0, 0, false];
    while (this.#guests.size > 0 && this.#taken < 1) {
      let first: GateGuest | undefined;
      for (const guest of this.#guests) if (!first || guest.gateTag < first.gateTag) first = guest;
      this.#tag = Math.max(this.#tag, first!.gateTag);
      const begun = first!.dispatchOne();
      if (begun) this.#begin(begun.seats, begun.isWrite);
      else this.#guests.delete(first!);
    }
    if (this.#guests.size > 0) this.#arm();
  }
}
