import { backoffBoundMs } from '../../common/backoff.ts';
import type { Clock, Timer } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { WorkQueue } from '../../common/work-queue.ts';
import { runWorkers, type WorkResult } from '../../common/workers.ts';
import type { Cloud, CloudError } from '../cloud/types.ts';
import type { WriteFence } from '../lanes/write-fence.ts';
import type { CoordinatorObserver } from '../observer.ts';
import { cloudProblem } from './cloud-problem.ts';
import type { Problem } from './problem.ts';
import { type ServiceIntent, serviceName } from './service-intent.ts';

/** Where the deletion of a load balancer stands. */
export type Deletion =
  /** Asked for, or about to be, and not seen gone yet. */
  { readonly kind: 'under-way' } | { readonly kind: 'refused'; readonly problem: Problem; readonly mayRetry: boolean };

export interface DeletionsOptions {
  readonly cloud: Pick<Cloud, 'deleteLoadBalancer'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly fence: WriteFence;
  readonly log: Logger;
  readonly observer?: Pick<CoordinatorObserver, 'queue'>;
  /** The deletion stands elsewhere. */
  readonly onChange: (loadBalancerId: string) => void;
}

interface Entry {
  readonly service: ServiceIntent['service'];
  /** Undefined after one that was accepted and did nothing: it may be asked for again. */
  readonly deletion: Deletion | undefined;
  readonly failures: number;
  readonly timer: Timer | undefined;
}

/** Guards and protections last, and many deletions in a short time are one of the guards. */
const RETRY = { initialMs: 5_000, maximumMs: 300_000 };
/** A deletion that was accepted, or whose answer was lost, and does not show within so long did nothing. */
const GONE_WITHIN_MS = 30_000;
const FENCE_RETRY_MS = 500;
const WRITE_TIMEOUT_MS = 6_000;
const CONCURRENCY = 4;
const LOAD_BALANCERS_MAX = 20_000;

/**
 * Deletes load balancers on which nothing is left, each once when told to. Nothing is ever forced and no protection
 * switched off: what CLB refuses is told, and whoever asked decides anew after a while.
 */
export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #queue: WorkQueue;
  readonly #entries = new Map<string, Entry>();

  constructor(options: DeletionsOptions) {
    this.#options = options;
    const { clock, random, observer } = options;
    const limits = { keysMax: LOAD_BALANCERS_MAX, backoff: RETRY };
    this.#queue = new WorkQueue({
      clock,
      random,
      ...limits,
      ...(observer && { observer: observer.queue('deletions') }),
    });
  }

  of(loadBalancerId: string): Deletion | undefined {
    return this.#entries.get(loadBalancerId)?.deletion;
  }

  /** The load balancers that are to go. */
  get underWay(): readonly string[] {
    return [...this.#entries].flatMap(([id, { deletion }]) => (deletion?.kind === 'under-way' ? id : []));
  }

  /** Deletes it now, unless that is under way or was refused a short while ago. */
  begin(service: ServiceIntent['service'], loadBalancerId: string): void {
    const known = this.#entries.get(loadBalancerId);
    const { deletion } = known ?? {};
    const mayBegin = !deletion || (deletion.kind === 'refused' && deletion.mayRetry);
    if (!mayBegin || !this.#queue.add(loadBalancerId)) return;
    this.#put(loadBalancerId, { service, deletion: { kind: 'under-way' }, failures: known?.failures ?? 0 });
  }

  /** It is gone, or nobody asks for it any more. */
  forget(loadBalancerId: string): void {
    this.#entries.get(loadBalancerId)?.timer?.cancel();
    this.#entries.delete(loadBalancerId);
  }

  /** Deletes until `signal` aborts, and resolves when the calls in flight have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const onError = (loadBalancerId: string, error: unknown) =>
      log.error('deleting a load balancer failed', { loadBalancerId, error });
    const work = (id: string, limit: AbortSignal) => this.#delete(id, limit);
    await runWorkers({ queue: this.#queue, concurrency: CONCURRENCY, work, onError }, signal);
    this.#queue.clear();
    for (const { timer } of this.#entries.values()) timer?.cancel();
  }

  async #delete(id: string, signal: AbortSignal): Promise<WorkResult> {
    const entry = this.#entries.get(id);
    if (!entry) return 'done';
    const { cloud, fence, log } = this.#options;
    if (!fence.mayWrite(WRITE_TIMEOUT_MS)) return { retryAfterMs: FENCE_RETRY_MS };
    log.info('deleting a load balancer', { service: serviceName(entry.service), loadBalancer: id });
    const result = await cloud.deleteLoadBalancer(id, signal);
    // Read before anything is believed (law L8).
    if (result.ok || result.error.notFound || result.error.outcomeUnknown) this.#await(id, entry);
    else this.#refused(id, entry, result.error);
    return 'done';
  }

  #await(id: string, { service }: Entry): void {
    if (!this.#entries.has(id)) return;
    const timer = this.#options.clock.schedule(GONE_WITHIN_MS, () => {
      this.#put(id, { service, deletion: undefined, failures: 0 });
    });
    this.#put(id, { service, deletion: { kind: 'under-way' }, failures: 0 }, timer);
  }

  #refused(id: string, entry: Entry, error: CloudError): void {
    if (!this.#entries.has(id)) return;
    const { service } = entry;
    const failures = entry.failures + 1;
    const problem = cloudProblem(service, error);
    const delayMs = backoffBoundMs(failures - 1, RETRY);
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#put(id, { service, deletion: { kind: 'refused', problem, mayRetry: true }, failures });
    });
    this.#put(id, { service, deletion: { kind: 'refused', problem, mayRetry: false }, failures }, timer);
  }

  #put(id: string, entry: Omit<Entry, 'timer'>, timer?: Timer): void {
    this.#entries.get(id)?.timer?.cancel();
    this.#entries.set(id, { ...entry, timer });
    this.#options.onChange(id);
  }
}
