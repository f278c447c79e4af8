/** Seats that may be taken within one turn of the event loop. Some two milliseconds of small reads; writes of a turn share one commit, so fewer would cost them. */
const seatsPerTurn = 32;

/** Something whose requests wait for the next turn. */
export interface GateGuest {
  /** Lowest goes first: work done so far, by what is allowed. */
  gateTag: number;
  /** Starts one waiting request and gives its seats; 0 when none can be started. */
  dispatchOne(): number;
}

/**
 * One thread does all the work, so limits on how many requests are under way do not help those that come behind a hundred that need no waiting: they are
 * all run before anybody else is heard. The gate lets a bounded number begin in each turn of the event loop; the rest waits in the fair queues. Between
 * priority levels it takes turns by the seats that they have.
 */
export class TurnGate {
  #taken = 0;
  #tag = 0;
  #isScheduled = false;
  readonly #guests = new Set<GateGuest>();
  readonly #schedule: (run: () => void) => void;

  constructor(schedule: (run: () => void) => void = setImmediate) {
    this.#schedule = schedule;
  }

  /** True: go ahead in this turn. Nobody passes those who already wait for the next. */
  take(seats: number): boolean {
    if (this.#taken >= seatsPerTurn || this.#guests.size > 0) return false;
    this.#taken += seats;
    this.#arm();
    return true;
  }

  /** Will be asked to start requests when the next turn begins. */
  wait(guest: GateGuest): void {
    if (this.#guests.has(guest)) return;
    guest.gateTag = Math.max(guest.gateTag, this.#tag);
    this.#guests.add(guest);
    this.#arm();
  }

  #arm(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#taken = 0;
    while (this.#guests.size > 0 && this.#taken < seatsPerTurn) {
      let first: GateGuest | undefined;
      for (const guest of this.#guests) if (!first || guest.gateTag < first.gateTag) first = guest;
      this.#tag = Math.max(this.#tag, first!.gateTag);
      const seats = first!.dispatchOne();
      if (seats === 0) this.#guests.delete(first!);
      this.#taken += seats;
    }
    if (this.#taken > 0 || this.#guests.size > 0) this.#arm();
  }
}
