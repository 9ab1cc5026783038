import type { LaneFleet } from './lane-fleet.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface OrphansOptions {
  readonly fleet: Pick<LaneFleet, 'get'>;
  readonly ports: Pick<LeaderPorts, 'prove'>;
}

/** Our targets whose Pods nobody vouches for: asks what became of each, until it is proven (law L1). */
export class Orphans {
  readonly #options: OrphansOptions;
  /** The load balancers that have such targets. */
  readonly #orphaned = new Set<string>();

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** Call when the load balancer's plan is another. */
  look(loadBalancerId: string): void {
    const orphans = this.#options.fleet.get(loadBalancerId)?.lane.plan?.orphans ?? [];
    if (orphans.length > 0) this.#orphaned.add(loadBalancerId);
    else this.#orphaned.delete(loadBalancerId);
    for (const { mark } of orphans) this.#options.ports.prove(mark);
  }

  /** Asks again for what is not proven yet; who answers bounds how often. */
  askAgain(): void {
    for (const id of this.#orphaned) this.look(id);
  }
}
