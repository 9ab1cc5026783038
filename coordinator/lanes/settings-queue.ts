import { backoffBoundMs } from '../../common/backoff.ts';
import type { LoadBalancerChange } from '../cloud/load-balancer-settings.ts';
import type { CloudError } from '../cloud/types.ts';

interface Tried {
  readonly change: string;
  readonly failures: number;
  /** Monotonic. */
  readonly notBefore: number;
}

/** What was done shows in reads within so long; until then the same is not sent again. */
const SHOWN_WITHIN_MS = 30_000;
const RETRY = { initialMs: 1_000, maximumMs: 300_000 };
/** Changes that waited this long go before targets. */
const WAIT_MAX_MS = 2_000;

/**
 * Changes of the load balancer itself that are wanted, one of a kind. Whoever wants them says so until a read shows them
 * done (law L8); meanwhile none is sent twice.
 */
export class SettingsQueue {
  #wanted: readonly LoadBalancerChange[] = [];
  readonly #tried = new Map<LoadBalancerChange['kind'], Tried>();
  #waitsSince: number | undefined;

  /** Replaces what is wanted. */
  want(changes: readonly LoadBalancerChange[], now: number): void {
    this.#wanted = changes;
    for (const kind of this.#tried.keys()) if (!changes.some(change => change.kind === kind)) this.#tried.delete(kind);
    this.#waitsSince = changes.length === 0 ? undefined : (this.#waitsSince ?? now);
  }

  /** The next change to be sent, or undefined when none may be. */
  next(now: number): LoadBalancerChange | undefined {
    return this.#wanted.find(change => this.#notBefore(change) <= now);
  }

  /** When a change that waits may be sent, or undefined when none waits. */
  nextTryAt(now: number): number | undefined {
    const times = this.#wanted.map(change => this.#notBefore(change)).filter(at => at > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  hasWaitedLong(now: number): boolean {
    return this.#waitsSince !== undefined && now - this.#waitsSince > WAIT_MAX_MS && this.next(now) !== undefined;
  }

  /** It was sent, and this came of it. */
  end(change: LoadBalancerChange, error: CloudError | undefined, now: number): void {
    const before = this.#tried.get(change.kind);
    const failures = error ? (before?.failures ?? 0) + 1 : 0;
    const waitMs = error ? backoffBoundMs(failures - 1, RETRY) : SHOWN_WITHIN_MS;
    this.#tried.set(change.kind, { change: JSON.stringify(change), failures, notBefore: now + waitMs });
    this.#waitsSince = undefined;
  }

  /** Another wish of the same kind need not wait for what became of the last. */
  #notBefore(change: LoadBalancerChange): number {
    const tried = this.#tried.get(change.kind);
    return tried?.change === JSON.stringify(change) ? tried.notBefore : 0;
  }
}
