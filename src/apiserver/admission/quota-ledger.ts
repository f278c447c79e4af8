import type { KubeObject, Resource, ResourceQuota } from '#api';
import { resources } from '#api';
import type { Clock } from '#base';
import type { ObjectReader } from '../reader.ts';
import { type Amount, type Amounts, addAmounts, noAmount } from './amounts.ts';
import { limitedUsage, resourceCounted, usageOf } from './quota-usage.ts';

/** A quota and what is used of it: by objects that exist, and by writes that are on their way. */
export interface Account {
  readonly quota: ResourceQuota;
  /** Of existing objects alone: what the status shows. */
  used(name: string): Amount;
  /** Existing objects and reservations together: what decides. */
  taken(name: string): Amount;
  /** What the object that now stands under the key uses of it. */
  usageAt(key: string): Amounts | undefined;
}

/** Keeps the accounts of all quotas current with the objects that they count. */
export interface QuotaLedger extends Disposable {
  accountsIn(namespace: string): readonly Account[];
  /** Sets amounts aside until `settle`, `release`, the reader showing the object, or a minute has passed. */
  reserve(owner: object, entries: readonly Reservation[]): void;
  release(owner: object): void;
  /** Looks again at what only time changes: pods past their grace. */
  recount(namespace: string): void;
}

export interface Reservation {
  readonly account: Account;
  readonly amounts: Amounts;
  /** Read late: a generated name is only known after admission. */
  key(): string;
}

export interface LedgerOptions {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  /** Finds the resource of `count/<plural>.<group>`; undefined when nothing serves it (yet). */
  resourceOf(groupResource: string): Resource<KubeObject> | undefined;
  /** Called when the status of a quota may have to be written anew. */
  onDirty(quota: ResourceQuota): void;
}

/** A write that neither succeeds nor is released within this is taken as lost. */
const reservationMs = 60_000;

interface OpenAccount extends Account {
  quota: ResourceQuota;
  readonly byKey: Map<string, Amounts>;
  readonly totals: Map<string, Amount>;
  readonly reserved: Map<object, { reservation: Reservation; untilMs: number }>;
}

export function objectKey(resource: { group: string; resource: string }, namespace: string, name: string): string {
  return `${resource.resource}.${resource.group}/${namespace}/${name}`;
}

export function createQuotaLedger(options: LedgerOptions): QuotaLedger {
  const accounts = new Map<string, Map<string, OpenAccount>>();
  const followed = new Map<string, Disposable>();
  const inNamespace = (namespace: string) => [...(accounts.get(namespace)?.values() ?? [])];

  const follow = (resource: Resource<KubeObject>) => {
    const id = `${resource.resource}.${resource.group}`;
    if (followed.has(id)) return;
    followed.set(id, { [Symbol.dispose]: () => undefined });
    followed.set(
      id,
      options.reader.onChange(resource, (object, deleted) => {
        for (const account of inNamespace(object.metadata.namespace ?? '')) {
          if (book(account, resource, object, deleted, options.clock.now())) options.onDirty(account.quota);
        }
      }),
    );
  };

  const open = (quota: ResourceQuota) => {
    const namespace = quota.metadata.namespace ?? '';
    const account = createAccount(quota, options.clock);
    const before = accounts.get(namespace)?.get(quota.metadata.name);
    for (const [owner, entry] of before?.reserved ?? []) account.reserved.set(owner, entry);
    const names = new Set(Object.keys(quota.spec?.hard ?? {}).map(resourceCounted));
    const counted = [...names].flatMap(name => options.resourceOf(name) ?? []);
    for (const resource of counted) {
      follow(resource);
      for (const object of options.reader.list(resource, namespace)) {
        book(account, resource, object, false, options.clock.now());
      }
    }
    const map = accounts.get(namespace) ?? new Map<string, OpenAccount>();
    map.set(quota.metadata.name, account);
    accounts.set(namespace, map);
    options.onDirty(quota);
  };

  const watch = options.reader.onChange(resources.resourcequotas, (quota, deleted) => {
    const namespace = quota.metadata.namespace ?? '';
    const known = accounts.get(namespace)?.get(quota.metadata.name);
    if (deleted) accounts.get(namespace)?.delete(quota.metadata.name);
    else if (known && JSON.stringify(known.quota.spec) === JSON.stringify(quota.spec)) known.quota = quota;
    else open(quota);
    if (!deleted && known) options.onDirty(quota);
  });

  return {
    accountsIn: inNamespace,
    reserve(owner, entries) {
      const untilMs = options.clock.now() + reservationMs;
      for (const reservation of entries) {
        (reservation.account as OpenAccount).reserved.set(owner, { reservation, untilMs });
      }
    },
    release(owner) {
      for (const map of accounts.values()) for (const account of map.values()) account.reserved.delete(owner);
    },
    recount(namespace) {
      for (const account of inNamespace(namespace)) open(account.quota);
    },
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      for (const each of followed.values()) each[Symbol.dispose]();
    },
  };
}

function createAccount(quota: ResourceQuota, clock: Clock): OpenAccount {
  const totals = new Map<string, Amount>();
  const byKey = new Map<string, Amounts>();
  const reserved: OpenAccount['reserved'] = new Map();
  return {
    quota,
    totals,
    byKey,
    reserved,
    used: name => totals.get(name) ?? noAmount,
    usageAt: key => byKey.get(key),
    taken(name) {
      let sum = totals.get(name) ?? noAmount;
      const nowMs = clock.now();
      for (const [owner, { reservation, untilMs }] of reserved) {
        if (untilMs < nowMs) reserved.delete(owner);
        else sum = addAmounts(sum, reservation.amounts.get(name) ?? noAmount);
      }
      return sum;
    },
  };
}

/** Takes an object's newest state into an account; true when that changed anything. */
function book(
  account: OpenAccount,
  resource: Resource<KubeObject>,
  object: KubeObject,
  deleted: boolean,
  nowMs: number,
): boolean {
  const key = objectKey(resource, object.metadata.namespace ?? '', object.metadata.name);
  for (const [owner, { reservation }] of account.reserved) {
    if (reservation.key() === key) account.reserved.delete(owner);
  }
  const before = account.byKey.get(key);
  const usage = deleted ? undefined : limitedUsage(account.quota, resource, object, usageOf(resource, object, nowMs));
  if (!before && !usage) return false;
  for (const [name, amount] of before ?? []) shift(account.totals, name, { ...amount, nano: -amount.nano });
  for (const [name, amount] of usage ?? []) shift(account.totals, name, amount);
  if (usage) account.byKey.set(key, usage);
  else account.byKey.delete(key);
  return true;
}

function shift(totals: Map<string, Amount>, name: string, by: Amount): void {
  totals.set(name, addAmounts(totals.get(name) ?? noAmount, by));
}
