import type { Clock } from '../../common/clock.ts';
import type { DrainAnswer } from '../../proto/gen/clbdirect/v1/report.ts';
import { type Arrivals, settleTimeMs, withArrival } from '../core/settle-time.ts';
import type { Knowledge } from '../knowledge.ts';
import type { CoordinatorObserver } from '../observer.ts';
import { cutShort, drainReason, showsSettling } from './drain-outcome.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface DrainEndingsOptions {
  readonly knowledge: Pick<Knowledge, 'store'>;
  readonly clock: Clock;
  readonly ports: Pick<LeaderPorts, 'reportPod'>;
  readonly observer: Pick<CoordinatorObserver, 'drainAnswered'>;
  /** How long after weight 0 was read back new connections may arrive where nothing else was learnt. */
  readonly settleMs: number;
}

/** A node that goes down may let all its Pods go early: the counter tells of all, Events of the first ones. */
const EVENTS_PER_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
/** More than one account has. */
const LOAD_BALANCERS_MAX = 10_000;

/** What agents tell of how their drains ended: counted, told to the user where something was given up, and learnt from. */
export class DrainEndings {
  readonly #options: DrainEndingsOptions;
  readonly #arrivals = new Map<string, Arrivals>();
  #toldAt: readonly number[] = [];

  constructor(options: DrainEndingsOptions) {
    this.#options = options;
  }

  /** @param loadBalancerIds those that held the Pod while it was drained */
  ended(podUid: string, answer: DrainAnswer, loadBalancerIds: Iterable<string>): void {
    const { observer, ports, knowledge } = this.#options;
    const pod = knowledge.store.pods.get(podUid)?.record;
    observer.drainAnswered(drainReason(answer));
    if (showsSettling(answer)) for (const id of loadBalancerIds) this.#learn(id, answer.lastArrivalMs ?? 0);
    const found = pod && cutShort(pod, answer);
    if (found && this.#mayTell()) ports.reportPod(pod, found);
  }

  /** For a Pod on these load balancers, as long as the slowest of them takes. */
  settleMs(loadBalancerIds: Iterable<string>): number {
    const { clock, settleMs: defaultMs } = this.#options;
    const times = [...loadBalancerIds].map(id =>
      settleTimeMs(this.#arrivals.get(id) ?? [], { defaultMs, now: clock.now() }),
    );
    return times.length === 0 ? defaultMs : Math.max(...times);
  }

  #learn(loadBalancerId: string, lastArrivalMs: number): void {
    const known = this.#arrivals.get(loadBalancerId) ?? [];
    this.#arrivals.delete(loadBalancerId);
    this.#arrivals.set(loadBalancerId, withArrival(known, lastArrivalMs, this.#options.clock.now()));
    const [oldest] = this.#arrivals.keys();
    if (this.#arrivals.size > LOAD_BALANCERS_MAX && oldest !== undefined) this.#arrivals.delete(oldest);
  }

  #mayTell(): boolean {
    const now = this.#options.clock.now();
    const lately = this.#toldAt.filter(at => now - at < MINUTE_MS);
    const mayTell = lately.length < EVENTS_PER_MINUTE_MAX;
    this.#toldAt = mayTell ? [...lately, now] : lately;
    return mayTell;
  }
}
