import type { Clock, Log } from '#base';
import type { EtcdMember } from '#wire';
import { connectEtcd } from '#wire';
import { StoreError } from '../store.ts';
import { isTlsProblem, judge, toStoreError } from './error.ts';

export interface EtcdTls {
  /** PEM texts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface EtcdClusterOptions {
  /** `host:port` of members, at least one. */
  readonly endpoints: readonly string[];
  /** Undefined: plain TCP. */
  readonly tls?: EtcdTls | undefined;
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** One try at one member. A member that is paused looks like one that is slow: longer than any commit should take. */
const attemptMs = 3000;
/** Between rounds through all members. */
const backoffs = [50, 100, 200, 400, 800];
/** etcd drops clients that ask for signs of life more often than each five seconds. */
const keepaliveMs = 10_000;
/** A token that the member has just given and does not take is not going to be taken. */
const maxAuthentications = 2;

/** Asks one member of several, and the next when that one does not answer. */
export class EtcdCluster {
  readonly where: string;
  readonly #options: EtcdClusterOptions;
  readonly #members: Promise<EtcdMember>[];
  #current = 0;
  #token = '';
  #authenticating: Promise<void> | undefined;
  /** Why nobody answers; undefined when somebody does. */
  #problem: StoreError | undefined;
  #hasAnswered = false;
  #isClosed = false;

  constructor(options: EtcdClusterOptions) {
    const { endpoints, tls, clock } = options;
    this.#options = options;
    this.where = endpoints.join(',');
    // Watches end when their member has lost its leader, instead of standing still.
    const metadata = () => ({ hasleader: 'true', ...(this.#token && { token: this.#token }) });
    const target = { metadata, now: () => clock.now(), tls, keepaliveMs, maxMessageBytes: -1 };
    this.#members = endpoints.map(address => connectEtcd({ ...target, address }));
  }

  get problem(): StoreError | undefined {
    return this.#problem;
  }

  /** The member that is asked now. */
  get current(): number {
    return this.#current;
  }

  member(index: number): Promise<EtcdMember> {
    return this.#members[index]!;
  }

  /** Someone has found the member silent: the next one is asked. */
  avoid(index: number): void {
    if (index !== this.#current || this.#members.length === 1) return;
    this.#current = (index + 1) % this.#members.length;
    this.#options.log.debug('another etcd member', { endpoint: this.#options.endpoints[this.#current] });
  }

  /**
   * Makes the call until it is answered, at one member after the other. `onUncertain` is told each time a try may or may not have been carried out. Rejects
   * with StoreError: `unavailable` when `totalMs` are over.
   */
  async call<T>(
    run: (member: EtcdMember, timeoutMs: number) => Promise<T>,
    options: { totalMs: number; onUncertain?: () => void },
  ): Promise<T> {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    let [failures, authentications] = [0, 0];
    for (;;) {
      const leftMs = options.totalMs - (clock.monotonicMs() - startMs);
      const index = this.#current;
      try {
        await this.authenticated(index);
        const answer = await run(await this.member(index), Math.max(1, Math.min(attemptMs, leftMs)));
        this.#problem = undefined;
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        if (this.#isClosed) throw new StoreError('closed', 'the store is closed');
        const verdict = judge(error);
        if (verdict === 'authenticate' && authentications++ < maxAuthentications && this.#options.user) {
          this.forgetToken();
          continue;
        }
        // At the beginning that is a matter of configuration, and waiting does not mend it.
        const isHopeless = verdict === 'fail' || (!this.#hasAnswered && isTlsProblem(error));
        if (isHopeless || verdict === 'authenticate') throw toStoreError(error, this.where);
        options.onUncertain?.();
        const isOver = clock.monotonicMs() - startMs >= options.totalMs;
        await this.#failed({ index, error, failures: failures++, isOver });
      }
    }
  }

  /** Resolves when calls to the member carry a token, where one is needed. */
  async authenticated(index: number): Promise<void> {
    if (this.#options.user && !this.#token) await this.#authenticate(index);
  }

  /** The token was refused. */
  forgetToken(): void {
    this.#token = '';
  }

  close(): void {
    this.#isClosed = true;
    for (const member of this.#members) {
      // A member that could not be made has nothing to close.
      member.then(open => open.close()).catch(() => undefined);
    }
  }

  async #failed(about: { index: number; error: unknown; failures: number; isOver: boolean }): Promise<void> {
    const { clock, log } = this.#options;
    this.avoid(about.index);
    const round = Math.floor((about.failures + 1) / this.#members.length);
    const isRoundOver = (about.failures + 1) % this.#members.length === 0;
    const problem = toStoreError(about.error, this.where);
    if (isRoundOver) {
      if (!this.#problem) log.warn('etcd does not answer', { reason: problem.message });
      this.#problem = problem;
    }
    if (about.isOver) throw problem;
    if (isRoundOver) await clock.sleep(backoffs[Math.min(round, backoffs.length) - 1]!);
  }

  /** One at a time: every call that waits for a token takes the same. */
  async #authenticate(index: number): Promise<void> {
    this.#authenticating ??= this.#fetchToken(index).finally(() => {
      this.#authenticating = undefined;
    });
    await this.#authenticating;
  }

  async #fetchToken(index: number): Promise<void> {
    const member = await this.member(index);
    this.#token = await member.authenticate({ ...this.#options.user!, timeoutMs: attemptMs });
  }
}
