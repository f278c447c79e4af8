import type { Change, Entry, Listing } from '../store.ts';
import { text } from './harness.ts';

interface Timed {
  /** Ticks of one counter for all clients: an operation that ended before another started has the smaller number. */
  start: number;
  end: number;
}

/** What one client asked and was told. */
export type Operation =
  | (Timed & { kind: 'write'; key: string; value: string | undefined; expect: number; revision: number })
  | (Timed & { kind: 'conflict'; key: string; expect: number; entry: Entry | undefined })
  | (Timed & { kind: 'get'; key: string; entry: Entry | undefined })
  | (Timed & { kind: 'list'; prefix: string; listing: Listing });

/**
 * Checks that concurrent operations look as if each had happened at one instant between its start and its end. The order is given by the
 * changes (a watch from the beginning over the same keys), so the check is linear. Values of writes must be unique. Returns what is wrong.
 */
export function checkHistory(operations: readonly Operation[], changes: readonly Change[]): string[] {
  const order = orderChanges(changes);
  return [
    ...order.problems,
    ...operations.flatMap(operation => checkAnswer(operation, order)),
    ...checkRealTime(operations, order),
  ];
}

interface Order {
  readonly byRevision: Map<number, Change>;
  readonly byKey: Map<string, Change[]>;
  readonly problems: string[];
}

function orderChanges(changes: readonly Change[]): Order {
  const order: Order = { byRevision: new Map(), byKey: new Map(), problems: [] };
  let last = 0;
  for (const change of changes) {
    const { revision, key } = change;
    if (revision <= last) order.problems.push(`change ${revision} comes after ${last}`);
    last = revision;
    const versions = order.byKey.get(key) ?? [];
    const before = versions.at(-1);
    if (text(change.previous) !== text(before?.value)) order.problems.push(`change ${revision}: wrong value before`);
    const createRevision = before?.value ? before.createRevision : revision;
    if (change.createRevision !== createRevision) order.problems.push(`change ${revision}: wrong createRevision`);
    order.byKey.set(key, [...versions, change]);
    order.byRevision.set(revision, change);
  }
  return order;
}

function checkAnswer(operation: Operation, order: Order): string[] {
  if (operation.kind === 'write') return checkWrite(operation, order);
  if (operation.kind === 'list') return checkListing(operation.listing, operation.prefix, order);
  const { key, entry, kind } = operation;
  if (kind === 'conflict' && (entry?.revision ?? 0) === operation.expect) return [`${key}: a conflict without reason`];
  const change = entry && order.byRevision.get(entry.revision);
  if (entry && (change?.key !== key || text(change.value) !== text(entry.value))) {
    return [`${key}: read a value of revision ${entry.revision} that was never written`];
  }
  return [];
}

function checkWrite(operation: Operation & { kind: 'write' }, order: Order): string[] {
  const { key, revision, expect } = operation;
  const change = order.byRevision.get(revision);
  if (change?.key !== key || text(change.value) !== operation.value) return [`${key}: write ${revision} is lost`];
  const before = stateAt(order, key, revision - 1);
  if ((before?.revision ?? 0) !== expect) {
    return [`${key}: write ${revision} expected ${expect} but met ${before?.revision ?? 0}`];
  }
  return [];
}

function checkListing(listing: Listing, prefix: string, order: Order): string[] {
  const keys = [...order.byKey.keys()].filter(key => key.startsWith(prefix));
  const wanted = keys.flatMap(key => stateAt(order, key, listing.revision)?.revision ?? []).sort((a, b) => a - b);
  const got = listing.entries.map(entry => entry.revision).sort((a, b) => a - b);
  return wanted.join() === got.join() ? [] : [`listing at ${listing.revision} shows ${got}, the log says ${wanted}`];
}

/** What was seen or done before an operation started bounds it from below; what started after it ended, from above. */
function checkRealTime(operations: readonly Operation[], order: Order): string[] {
  const startOf = new Map(operations.flatMap(op => (op.kind === 'write' ? [[op.revision, op.start]] : [])));
  const ended = [...operations].sort((a, b) => a.end - b.end);
  const started = [...operations].sort((a, b) => a.start - b.start);
  const problems: string[] = [];
  let floor = 0;
  let next = 0;
  for (const operation of started) {
    for (; next < ended.length && ended[next]!.end < operation.start; next++) {
      floor = Math.max(floor, seenRevision(ended[next]!));
    }
    const possible = truths(operation, order).filter(truth => truth.last >= floor);
    if (possible.length === 0) problems.push(`${describe(operation)}: stale, ${floor} was known before`);
    else if (possible.every(truth => (startOf.get(truth.first) ?? 0) > operation.end)) {
      problems.push(`${describe(operation)}: saw the future`);
    }
  }
  return problems;
}

function seenRevision(operation: Operation): number {
  if (operation.kind === 'write') return operation.revision;
  if (operation.kind === 'list') return operation.listing.revision;
  return operation.entry?.revision ?? 0;
}

/** Stretches of revisions during which the operation's answer was true. */
function truths(operation: Operation, order: Order): { first: number; last: number }[] {
  const seen = seenRevision(operation);
  if (operation.kind === 'write' || operation.kind === 'list') return [{ first: seen, last: seen }];
  const versions = order.byKey.get(operation.key) ?? [];
  const endOf = (index: number) => (versions[index]?.revision ?? Number.POSITIVE_INFINITY) - 1;
  const stretches = versions.flatMap((change, index) => {
    const matches = operation.entry ? change.revision === seen : change.value === undefined;
    return matches ? [{ first: change.revision, last: endOf(index + 1) }] : [];
  });
  return operation.entry ? stretches : [{ first: 0, last: endOf(0) }, ...stretches];
}

function stateAt(order: Order, key: string, revision: number): Change | undefined {
  const state = order.byKey.get(key)?.findLast(change => change.revision <= revision);
  return state?.value ? state : undefined;
}

function describe(operation: Operation): string {
  return `${operation.kind} ${operation.kind === 'list' ? operation.prefix : operation.key} at ${seenRevision(operation)}`;
}
