import { Fault, fault } from './errors.ts';
import { charge, type Fn, type Frame } from './frame.ts';
import type { Plan } from './plan.ts';
import { listCost, mapCost } from './runtime-cost.ts';
import { ArrayList, isList, isMap, ValueMap } from './values.ts';

/** A macro over a range, its parts planned. */
export interface FoldParts {
  readonly name: 'all' | 'exists' | 'existsOne' | 'list' | 'map' | 'mapEntries';
  readonly filter: Fn | undefined;
  readonly item: Plan;
}

interface Loop {
  readonly range: Fn;
  /** Where the first variable lives; the second follows. */
  readonly slot: number;
  readonly two: boolean;
  /** See `PlanContext.foldConstants`: without, the empty accumulator is charged too. */
  readonly fold: boolean;
}

/** Runs a body for each item until it says false. */
type Walk = (frame: Frame, body: () => boolean) => void;

/**
 * Runs a macro as a loop. What it charges is what the general fold would (condition, step and result of `macros.ts`, as cel-go plans them):
 * the comments give the sum.
 */
export function planFold(parts: FoldParts, loop: Loop): Fn {
  const walk = walkRange(loop);
  switch (parts.name) {
    case 'all':
      return quantifier(walk, parts.item.run, false);
    case 'exists':
      return quantifier(walk, parts.item.run, true);
    case 'existsOne':
      return existsOne(walk, parts.item.run);
    case 'list':
      return toList(walk, parts, loop.fold);
    default:
      return toMap(walk, parts, loop);
  }
}

function walkRange({ range, slot, two }: Loop): Walk {
  return (frame, body) => {
    const value = range(frame);
    const { slots } = frame;
    if (isList(value)) {
      for (let index = 0; index < value.size; index++) {
        slots[slot] = two ? BigInt(index) : value.at(index);
        if (two) slots[slot + 1] = value.at(index);
        if (!body()) break;
      }
    } else if (isMap(value)) {
      for (const key of value.keyList()) {
        slots[slot] = key;
        if (two) slots[slot + 1] = value.find(key);
        if (!body()) break;
      }
    } else {
      fault('no such overload');
    }
  };
}

/** all (`decisive` false) and exists (true). The condition costs 2 or 3, the step 1, the result 1. */
function quantifier(walk: Walk, predicate: Fn, decisive: boolean): Fn {
  const conditionCost = decisive ? 3 : 2;
  return frame => {
    let decided = false;
    let failure: Fault | undefined;
    walk(frame, () => {
      charge(frame, conditionCost);
      if (decided) return false;
      charge(frame, 1);
      const value = attempt(frame, predicate);
      if (value === decisive) decided = true;
      else if (value instanceof Fault) failure ??= value;
      else if (typeof value !== 'boolean') failure ??= new Fault('no such overload');
      return true;
    });
    charge(frame, 1);
    if (decided) return decisive;
    if (failure !== undefined) throw failure;
    return !decisive;
  };
}

/** The value, or the fault in its stead. */
function attempt(frame: Frame, run: Fn): unknown {
  try {
    return run(frame);
  } catch (error) {
    if (!(error instanceof Fault) || error.final) throw error;
    return error;
  }
}

/** A hit costs 2 (the sum), the result 2 (its comparison). A failure does not end the loop, and the last one stands. */
function existsOne(walk: Walk, predicate: Fn): Fn {
  return frame => {
    let hits = 0;
    let failure: Fault | undefined;
    walk(frame, () => {
      const value = attempt(frame, predicate);
      if (value instanceof Fault) failure = value;
      else if (typeof value !== 'boolean') failure = new Fault('no such overload');
      else if (value) {
        hits++;
        charge(frame, 2);
      }
      return true;
    });
    charge(frame, 2);
    if (failure !== undefined) throw failure;
    return hits === 1;
  };
}

function passes(frame: Frame, filter: Fn | undefined): boolean {
  const value = filter === undefined ? true : filter(frame);
  return typeof value === 'boolean' ? value : fault('no such overload');
}

/** An item costs 2 (accumulator and sum) and its one-item list, which is free when it is a constant. */
function toList(walk: Walk, { filter, item }: FoldParts, fold: boolean): Fn {
  const stepCost = 2 + (!fold || item.constant === undefined ? listCost : 0);
  const endCost = fold ? 1 : 1 + listCost;
  return frame => {
    const items: unknown[] = [];
    walk(frame, () => {
      if (!passes(frame, filter)) return true;
      items.push(item.run(frame));
      charge(frame, stepCost);
      return true;
    });
    charge(frame, endCost);
    return new ArrayList(items);
  };
}

/** transformMap: accumulator, key and insertion cost 3. transformMapEntry: accumulator and insertion 2, the entry's map is charged by itself. */
function toMap(walk: Walk, { name, filter, item }: FoldParts, { slot, fold }: Loop): Fn {
  const endCost = fold ? 1 : 1 + mapCost;
  const entries = name === 'mapEntries';
  return frame => {
    const map = new ValueMap();
    walk(frame, () => {
      if (!passes(frame, filter)) return true;
      const value = item.run(frame);
      if (!entries) insert(map, frame.slots[slot], value);
      else if (isMap(value)) for (const key of value.keyList()) insert(map, key, value.find(key));
      else fault('no such overload');
      charge(frame, entries ? 2 : 3);
      return true;
    });
    charge(frame, endCost);
    return map;
  };
}

function insert(map: ValueMap, key: unknown, value: unknown): void {
  if (map.has(key)) fault(`insert failed: key ${String(key)} already exists`);
  map.set(key, value);
}
