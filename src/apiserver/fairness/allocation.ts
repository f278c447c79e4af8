/** One priority level when seats are shared out. All in seats, but for shares and percents. */
export interface LevelShares {
  readonly name: string;
  readonly isExempt: boolean;
  readonly shares: number;
  readonly lendablePercent: number;
  /** Undefined: may borrow as much as there is. */
  readonly borrowingLimitPercent: number | undefined;
}

/** What a level may use: never below `min`, never above `max`, `nominal` when everybody wants all. */
export interface SeatLimits {
  readonly nominal: number;
  readonly min: number;
  readonly max: number;
}

/** Divides the server's seats by shares, as KEP-1040 says: nominal seats, what of them can be lent, and what can be borrowed. */
export function nominalLimits(levels: readonly LevelShares[], total: number): Map<string, SeatLimits> {
  const sum = levels.reduce((all, { shares }) => all + shares, 0);
  const plain = levels.map(level => {
    const nominal = sum === 0 ? 0 : Math.ceil((total * level.shares) / sum);
    return { level, nominal, lendable: Math.round((nominal * level.lendablePercent) / 100) };
  });
  const lendable = plain.reduce((all, one) => all + one.lendable, 0);
  return new Map(
    plain.map(({ level, nominal, lendable: own }) => {
      const { borrowingLimitPercent: percent } = level;
      const borrowable = percent === undefined ? lendable - own : Math.round((nominal * percent) / 100);
      return [level.name, { nominal, min: nominal - own, max: nominal + borrowable }];
    }),
  );
}

/** How much a level has wanted lately. */
export interface Demand {
  /** The most seats wanted at once since the last sharing-out. */
  readonly highest: number;
  /** Average with deviation, smoothed: follows rises at once and falls slowly. */
  readonly smooth: number;
}

/** What a level asks for when seats are shared out anew. */
export interface Claim extends SeatLimits {
  readonly name: string;
  readonly isExempt: boolean;
  readonly demand: Demand;
}

/**
 * Seats for the next while: each level gets at least what it has used of its own, and the rest goes in proportion to demand (one factor for all), within
 * the levels' bounds.
 */
export function shareOut(claims: readonly Claim[], total: number): { current: Map<string, number>; fraction: number } {
  const current = new Map<string, number>();
  let left = total;
  const open: { name: string; low: number; high: number; target: number; nominal: number }[] = [];
  for (const { name, isExempt, demand, min, max, nominal } of claims) {
    if (isExempt) {
      // Never held back: what it takes is what it gets.
      const seats = Math.max(min, demand.highest);
      current.set(name, seats);
      left -= seats;
      continue;
    }
    const low = Math.max(min, Math.min(nominal, demand.highest));
    open.push({ name, low, high: max, target: Math.max(low, demand.smooth), nominal });
  }
  const lows = open.reduce((sum, { low }) => sum + low, 0);
  if (left < lows) {
    for (const { name, low } of open) current.set(name, Math.max(1, Math.round((low * Math.max(0, left)) / lows)));
    return { current, fraction: 0 };
  }
  const fraction = fairFraction(open, left);
  for (const { name, low, high, target } of open) {
    current.set(name, Math.max(1, Math.round(bounded(target * fraction, low, high))));
  }
  return { current, fraction };
}

function bounded(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

/** The factor at which the levels together use `seats`: found by halving, since use only grows with it. */
function fairFraction(levels: readonly { low: number; high: number; target: number }[], seats: number): number {
  const used = (factor: number) =>
    levels.reduce((sum, { low, high, target }) => sum + bounded(target * factor, low, high), 0);
  let [below, above] = [0, 1];
  while (used(above) < seats && above < 1e9) above *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (below + above) / 2;
    if (used(middle) < seats) below = middle;
    else above = middle;
  }
  return above;
}
