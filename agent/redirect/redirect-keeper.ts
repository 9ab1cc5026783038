import { isDeepStrictEqual } from 'node:util';
import { Backoff } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { AddressChange, HookRedirect, RuleOwner, StandingRule } from './hook-redirect.ts';
import { nextStep, type Ownership } from './ownership.ts';

export interface RedirectKeeperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly redirect: HookRedirect;
  readonly self: RuleOwner;
  /** What the rule should hold now, sorted; undefined until the Pods are known. */
  readonly addresses: () => readonly string[] | undefined;
}

/** For everything that one look at the rule takes, with a lock that kube-proxy may hold for seconds. */
const STEP_TIMEOUT_MS = 10_000;
const BACKOFF = { initialMs: 500, maximumMs: 30_000, resetAfterMs: 60_000 };
/** How long a rule that somebody flushed or edited stays so. */
const CHECK_INTERVAL_MS = 10_000;
/** How long hooks may go unheld when an agent that took over dies while its predecessor still runs. */
const SUPERSEDED_CHECK_INTERVAL_MS = 2_000;
/** An agent whose coordinators are all away takes over too: it is no worse than its predecessor. */
const WITHOUT_COORDINATOR_MS = 5_000;

/**
 * Keeps the node's redirect rule equal to the hooked Pods, as long as it is this agent's. It is taken over once the
 * Pods are known and a coordinator is connected, so that no call comes before it can be served.
 */
export class RedirectKeeper {
  readonly #options: RedirectKeeperOptions;
  readonly #news: Wakeup;
  readonly #backoff: Backoff;
  #ownership: Ownership = { type: 'waiting' };
  /** From when on the rule may be taken over without any coordinator. */
  #readyAt: number | undefined;
  #hasCoordinator = false;
  #isStopping = false;
  /** When the rule is to be read again. */
  #readAt = Number.NEGATIVE_INFINITY;
  #whenRead: (() => void)[] = [];

  constructor(options: RedirectKeeperOptions) {
    this.#options = options;
    this.#news = new Wakeup(options.clock);
    this.#backoff = new Backoff({ ...BACKOFF, clock: options.clock, random: options.random });
  }

  /** Calls are led to this agent. */
  get isOwner(): boolean {
    return this.#ownership.type === 'owner';
  }

  /** Calls go to a younger agent now. */
  get isSuperseded(): boolean {
    return this.#ownership.type === 'superseded';
  }

  /** Call when the addresses may have changed. */
  podsChanged(): void {
    this.#news.wake();
  }

  coordinators(connected: number): void {
    this.#hasCoordinator = connected > 0;
    this.#news.wake();
  }

  /** From now on the rule is not taken over. Resolves when it was read, or could not be. */
  lookBeforeStopping(): Promise<void> {
    this.#isStopping = true;
    if (this.#ownership.type === 'waiting') return Promise.resolve();
    this.#readAt = Number.NEGATIVE_INFINITY;
    const read = Promise.withResolvers<void>();
    this.#whenRead.push(read.resolve);
    this.#news.wake();
    return read.promise;
  }

  /** Until `signal` aborts. The rule stays afterwards: it is the next agent's to change. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#news.wait(signal, this.#idleMs());
      const wanted = this.#options.addresses();
      if (signal.aborted || !wanted || !this.#mayAct()) continue;
      const waiters = this.#whenRead.splice(0);
      await this.#step(wanted, signal);
      for (const resolve of waiters) resolve();
    }
    for (const resolve of this.#whenRead) resolve();
  }

  #idleMs(): number | undefined {
    const { clock, addresses } = this.#options;
    if (!addresses() || !this.#mayEverAct()) return undefined;
    this.#readyAt ??= clock.now() + WITHOUT_COORDINATOR_MS;
    const until = this.#mayAct() ? this.#readAt : this.#readyAt;
    return Math.max(0, until - clock.now());
  }

  #mayEverAct(): boolean {
    return this.#ownership.type !== 'waiting' || !this.#isStopping;
  }

  #mayAct(): boolean {
    if (this.#ownership.type !== 'waiting') return true;
    if (this.#isStopping || this.#readyAt === undefined) return false;
    return this.#hasCoordinator || this.#options.clock.now() >= this.#readyAt;
  }

  async #step(wanted: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock, log, metrics } = this.#options;
    using limit = deadline(clock, "keeping the node's redirect rule", STEP_TIMEOUT_MS, signal);
    try {
      const isChanged = clock.now() < this.#readAt && (await this.#tryChange(wanted, limit.signal));
      if (!isChanged) await this.#look(wanted, limit.signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#readAt = clock.now() + this.#backoff.nextDelayMs();
      metrics.redirectWritten('failure');
      log.error('redirect rule is not in place: preStop hooks of this node are not held', { error });
    }
  }

  /** False when the rule does not stand as it was left. */
  async #tryChange(wanted: readonly string[], signal: AbortSignal): Promise<boolean> {
    try {
      await this.#change(wanted, signal);
      return true;
    } catch (error) {
      this.#options.log.debug('redirect rule does not take a change, will look at it', { error });
      return false;
    }
  }

  async #change(wanted: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#ownership.type !== 'owner') return;
    const { owner, standing } = this.#ownership;
    if (isDeepStrictEqual(standing.addresses, wanted)) return;
    await this.#options.redirect.change(owner, changeBetween(standing.addresses, wanted), signal);
    this.#ownership = { type: 'owner', owner, standing: { ...standing, addresses: wanted } };
    this.#options.metrics.redirectWritten('success');
  }

  async #look(wanted: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock, redirect, self } = this.#options;
    const standing = await redirect.read(signal);
    const isServed = await this.#isYoungerServed(standing);
    const step = nextStep(this.#ownership, { standing, isServed: () => isServed, self });
    if (step.type === 'keep') await this.#catchUp(wanted, signal);
    else if (step.type === 'yield') this.#yield(step.agentPort);
    else if (step.why === 'repair' || !this.#isStopping) {
      await this.#write(step.owner, wanted, signal);
      this.#tell(step.why, standing);
    }
    const intervalMs = this.#ownership.type === 'superseded' ? SUPERSEDED_CHECK_INTERVAL_MS : CHECK_INTERVAL_MS;
    this.#readAt = clock.now() + intervalMs;
  }

  async #isYoungerServed(standing: StandingRule | undefined): Promise<boolean> {
    if (this.#ownership.type !== 'superseded') return false;
    return await this.#options.redirect.isServed(standing?.agentPort ?? this.#ownership.agentPort);
  }

  /** What a change cannot do, such as to add the first address of a family, a replacement can. */
  async #catchUp(wanted: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#ownership.type !== 'owner') return;
    const { owner, standing } = this.#ownership;
    if (!isDeepStrictEqual(standing.addresses, wanted)) await this.#write(owner, wanted, signal);
  }

  async #write(owner: RuleOwner, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const { redirect, metrics } = this.#options;
    await redirect.replace({ owner, addresses }, signal);
    const standing = await redirect.read(signal);
    if (!standing || !isDeepStrictEqual([standing.owner, standing.addresses], [owner, addresses])) {
      throw new Error('the rule does not read back as it was written; another program may be writing it');
    }
    this.#ownership = { type: 'owner', owner, standing };
    metrics.redirectWritten('success');
    metrics.redirectOwned(true);
  }

  #tell(why: 'take-over' | 'repair', before: StandingRule | undefined): void {
    const { log, metrics } = this.#options;
    if (why === 'take-over') {
      log.info('preStop calls of this node come here now', { takenOverFrom: before?.agentPort });
      return;
    }
    metrics.redirectRepaired();
    log.warn('redirect rule was changed or removed by somebody else and is in place again', { wasRemoved: !before });
  }

  #yield(agentPort: number): void {
    const { log, metrics } = this.#options;
    this.#ownership = { type: 'superseded', agentPort };
    metrics.redirectOwned(false);
    log.info('preStop calls of this node go to a younger agent now', { agentPort });
  }
}

function changeBetween(standing: readonly string[], wanted: readonly string[]): AddressChange {
  return {
    added: wanted.filter(address => !standing.includes(address)),
    removed: standing.filter(address => !wanted.includes(address)),
  };
}
