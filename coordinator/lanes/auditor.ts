import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { Cloud, CloudError } from '../cloud/types.ts';
import type { Difference } from './differences.ts';
import type { Lane } from './lane.ts';
import { loggedError } from './lane-errors.ts';

export interface AuditorOptions {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly log: Logger;
  /** How a load balancer differed from what its lane believed; told after every audit, also when nothing did. */
  readonly onDifference: (audit: Audit) => void;
}

export interface Audit {
  readonly loadBalancerId: string;
  readonly differences: readonly Difference[];
}

/** What the auditor needs of a lane. */
export type AuditedLane = Pick<Lane, 'loadBalancerId' | 'observed' | 'takeAudit'>;

/** With more load balancers than the rate allows in this time, a round takes longer. */
const AUDIT_PERIOD_MS = 180_000;
/** At most one request in this time, over all load balancers. */
const REQUEST_SPACING_MS = 1_000;
/** clb-api section 1.1: DescribeTargets takes so many listeners. */
const LISTENERS_PER_REQUEST = 20;

/**
 * Reads every load balancer completely, one after the other, however quiet it is: what somebody else has changed shows in
 * no other way.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #wakeup: Wakeup;
  /** When each is to be audited next; in the order of that time. */
  readonly #dueAt = new Map<AuditedLane, number>();

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** The lane reads everything itself when it begins. */
  attach(lane: AuditedLane): void {
    this.#dueAt.set(lane, this.#now() + AUDIT_PERIOD_MS);
    this.#wakeup.wake();
  }

  detach(lane: AuditedLane): void {
    this.#dueAt.delete(lane);
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [next] = this.#dueAt;
      const waitMs = next && next[1] - this.#now();
      if (!next || waitMs === undefined || waitMs > 0) await this.#wakeup.wait(signal, waitMs);
      else await this.#auditAndRest(next[0], signal);
    }
  }

  async #auditAndRest(lane: AuditedLane, signal: AbortSignal): Promise<void> {
    this.#dueAt.delete(lane);
    this.#dueAt.set(lane, this.#now() + AUDIT_PERIOD_MS);
    if (!lane.observed) return;
    const startedAt = this.#now();
    // A stop cuts reads short; that is no failure.
    const requests = await this.#audit(lane, signal).catch(error => {
      if (!signal.aborted) throw error;
      return 0;
    });
    const restMs = startedAt + requests * REQUEST_SPACING_MS - this.#now();
    if (restMs > 0) await new Wakeup(this.#options.clock).wait(signal, restMs);
  }

  /** @returns how many requests it took */
  async #audit(lane: AuditedLane, signal: AbortSignal): Promise<number> {
    const { cloud } = this.#options;
    const { loadBalancerId } = lane;
    const listedAt = this.#now();
    const listed = await cloud.describeListeners(loadBalancerId, signal, 'background');
    if (!listed.ok) return this.#failed(listed.error, 1);
    const listeners = listed.value;
    const listenerIds = listeners.map(listener => listener.id);
    const requests = 1 + Math.ceil(listenerIds.length / LISTENERS_PER_REQUEST);
    const startedAt = this.#now();
    const read =
      listenerIds.length === 0
        ? ({ ok: true, value: [] } as const)
        : await cloud.describeTargets(loadBalancerId, listenerIds, signal, 'background');
    if (!read.ok) return this.#failed(read.error, requests);
    if (!this.#dueAt.has(lane)) return requests;
    const list = { listeners, startedAt: listedAt };
    const differences = lane.takeAudit({ list, listenerIds, startedAt, bindings: read.value });
    if (differences) this.#options.onDifference({ loadBalancerId, differences });
    return requests;
  }

  #failed(error: CloudError, requests: number): number {
    this.#options.log.warn('an audit of a load balancer failed', loggedError(error));
    return requests;
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
