import type { RuleTarget } from '../core/rule-state.ts';
import type { Auditor } from '../lanes/auditor.ts';
import type { HealthPoller } from '../lanes/health-poller.ts';
import { Lane } from '../lanes/lane.ts';
import type { LaneOptions } from '../lanes/lane-options.ts';
import { TargetHistory } from './target-history.ts';

/** A lane that runs, and what is kept beside it. */
export interface LiveLane {
  readonly lane: Lane;
  readonly history: TargetHistory;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export interface LaneFleetOptions {
  readonly optionsFor: (loadBalancerId: string) => LaneOptions;
  readonly healthPoller: HealthPoller;
  readonly auditor: Auditor;
  /** Ends all lanes. */
  readonly signal: AbortSignal;
}

/** The lanes of a term: one for each load balancer that holds something of a claimed Service. */
export class LaneFleet {
  readonly #options: LaneFleetOptions;
  readonly #lanes = new Map<string, LiveLane>();
  /** Lanes that were stopped and may still have their last write in flight, by load balancer. */
  readonly #ending = new Map<string, Promise<void>>();
  /** By Pod, the load balancers whose lanes have to do with it. */
  readonly #concerned = new Map<string, Set<string>>();

  constructor(options: LaneFleetOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stopAll(), { once: true });
  }

  get(loadBalancerId: string): LiveLane | undefined {
    return this.#lanes.get(loadBalancerId);
  }

  all(): Iterable<LiveLane> {
    return this.#lanes.values();
  }

  /** The lane of the load balancer, begun if there is none. */
  ensure(loadBalancerId: string): LiveLane {
    const known = this.#lanes.get(loadBalancerId);
    if (known) return known;
    const { optionsFor, healthPoller, auditor, signal } = this.#options;
    const lane = new Lane(optionsFor(loadBalancerId));
    const stop = new AbortController();
    if (signal.aborted) stop.abort();
    // One writer (law L7): the lane before may not have ended its last write yet.
    const done = (this.#ending.get(loadBalancerId) ?? Promise.resolve()).then(() => lane.run(stop.signal));
    const live: LiveLane = { lane, stop, history: new TargetHistory(), done };
    this.#lanes.set(loadBalancerId, live);
    healthPoller.attach(lane);
    auditor.attach(lane);
    return live;
  }

  stop(loadBalancerId: string): void {
    const live = this.#lanes.get(loadBalancerId);
    if (!live) return;
    live.stop.abort();
    this.#options.healthPoller.detach(live.lane);
    this.#options.auditor.detach(live.lane);
    this.#lanes.delete(loadBalancerId);
    const done = live.done.finally(() => {
      if (this.#ending.get(loadBalancerId) === done) this.#ending.delete(loadBalancerId);
    });
    this.#ending.set(loadBalancerId, done);
  }

  /** The lanes that have, want or change a target of the Pod. */
  concernedBy(podUid: string): readonly LiveLane[] {
    return [...(this.#concerned.get(podUid) ?? [])].flatMap(id => this.#lanes.get(id) ?? []);
  }

  /** What the load balancer's lane knows of that target of the Pod; undefined when there is none. */
  targetAt(podUid: string, loadBalancerId: string, key: string): RuleTarget | undefined {
    const targets = this.#lanes.get(loadBalancerId)?.lane.targetsOf(podUid);
    return targets?.find(({ target }) => target.key === key)?.target;
  }

  /** The lane may have to do with these Pods now, or no more. */
  note(loadBalancerId: string, podUids: Iterable<string>): void {
    const lane = this.#lanes.get(loadBalancerId)?.lane;
    for (const podUid of podUids) {
      const known = this.#concerned.get(podUid);
      if (lane?.isConcerned(podUid)) {
        if (known) known.add(loadBalancerId);
        else this.#concerned.set(podUid, new Set([loadBalancerId]));
      } else if (known?.delete(loadBalancerId) && known.size === 0) this.#concerned.delete(podUid);
    }
  }

  /** Reads for all lanes until `signal` aborts; resolves when every lane that was ever begun has ended its last write. */
  async run(signal: AbortSignal): Promise<void> {
    const { healthPoller, auditor } = this.#options;
    await Promise.all([healthPoller.run(signal), auditor.run(signal)]);
    await Promise.all([...[...this.#lanes.values()].map(live => live.done), ...this.#ending.values()]);
  }

  #stopAll(): void {
    for (const live of this.#lanes.values()) live.stop.abort();
  }
}
