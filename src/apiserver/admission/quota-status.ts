import type { ResourceQuota } from '#api';
import type { Clock, Log } from '#base';
import { formatAmount, parseAmount } from './amounts.ts';
import type { Account, QuotaLedger } from './quota-ledger.ts';

/** Changes within this are written together. */
const settleMs = 20;
/** After a failed write. */
const retryMs = 1000;

/** Writes what the ledger says into the quotas' status, soon after it changed and one write at a time. */
export interface QuotaStatus extends AsyncDisposable {
  touch(quota: ResourceQuota): void;
  follow(ledger: QuotaLedger): void;
}

export function createQuotaStatus(options: {
  clock: Clock;
  log: Log;
  writeStatus?: ((quota: ResourceQuota) => Promise<unknown>) | undefined;
}): QuotaStatus {
  const dirty = new Map<string, { namespace: string; name: string }>();
  let ledger: QuotaLedger | undefined;
  let timer: Disposable | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  const schedule = (delayMs: number) => {
    if (timer || running || closed || !options.writeStatus) return;
    timer = options.clock.timer(
      delayMs,
      () => {
        timer = undefined;
        running = flush().finally(() => {
          running = undefined;
          if (dirty.size > 0) schedule(settleMs);
        });
      },
      { unref: true },
    );
  };

  const flush = async () => {
    const todo = [...dirty];
    dirty.clear();
    for (const [key, { namespace, name }] of todo) {
      const account = ledger?.accountsIn(namespace).find(candidate => candidate.quota.metadata.name === name);
      const wanted = account && withStatus(account);
      if (!wanted || closed) continue;
      try {
        await options.writeStatus?.(wanted);
      } catch (error) {
        // A conflict is ordinary: the quota's next version comes through the reader. The rest is tried again after a while.
        options.log.debug('quota status not written', { quota: key, error: String(error) });
        dirty.set(key, { namespace, name });
        await options.clock.sleep(retryMs);
      }
    }
  };

  return {
    follow(given) {
      ledger = given;
      if (dirty.size > 0) schedule(settleMs);
    },
    touch({ metadata: { namespace = '', name } }) {
      dirty.set(`${namespace}/${name}`, { namespace, name });
      if (ledger) schedule(settleMs);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      await running;
    },
  };
}

/** The quota with its status as it should be; undefined when it is so already. */
function withStatus(account: Account): ResourceQuota | undefined {
  const { quota } = account;
  const hard = quota.spec?.hard ?? {};
  const used = Object.fromEntries(
    Object.keys(hard).map(name => {
      const { nano, form } = account.used(name);
      return [name, formatAmount({ nano, form: nano === 0n ? parseAmount(hard[name] ?? '0').form : form })];
    }),
  );
  const isSame = (left: Readonly<Record<string, string>> | undefined, right: Readonly<Record<string, string>>) =>
    Object.keys(left ?? {}).length === Object.keys(right).length &&
    Object.entries(right).every(([name, value]) => left?.[name] === value);
  if (isSame(quota.status?.hard, hard) && isSame(quota.status?.used, used)) return undefined;
  return { ...quota, status: { hard: { ...hard }, used } };
}
