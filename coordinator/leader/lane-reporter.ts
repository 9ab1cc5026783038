import type { Rule } from '../core/rule.ts';
import type { Difference } from '../lanes/differences.ts';
import type { LaneFailure } from '../lanes/lane-options.ts';
import { foreignWriter } from '../loadbalancers/foreign-writer.ts';
import { quotaReached } from '../loadbalancers/target-quota.ts';
import type { LaneDriver } from './lane-driver.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { Tenancies } from './tenancies.ts';

export interface LaneReporterOptions {
  readonly tenancies: Tenancies;
  readonly driver: LaneDriver;
  readonly fleet: LaneFleet;
  readonly board: ProblemBoard;
}

/** Tells the Services on a load balancer what its lane met with: each hears of its own rules alone (law L10). */
export class LaneReporter {
  readonly #options: LaneReporterOptions;

  constructor(options: LaneReporterOptions) {
    this.#options = options;
  }

  failed({ loadBalancerId, error, ruleIds }: LaneFailure): void {
    const { tenancies, board } = this.#options;
    const message = `Load balancer ${loadBalancerId}: ${error.message}. ${error.hint}`;
    for (const [uid, { intent }] of tenancies.tenantsOf(loadBalancerId)) {
      const isMeant = ruleIds.length === 0 || ruleIds.some(id => id.startsWith(`${uid}/`));
      if (isMeant) board.note(intent.service, { code: error.code, reason: 'CloudRefused', message });
    }
  }

  /** Law L6: somebody else changed what is ours, or came into its place. The lane mends the first and leaves the second. */
  foreign(loadBalancerId: string, differences: readonly Difference[]): void {
    const { tenancies, driver, board } = this.#options;
    for (const [uid, { intent }] of tenancies.tenantsOf(loadBalancerId)) {
      // A rule that we delete takes its targets along.
      const places = new Set(driver.rulesAt(loadBalancerId, uid).map(({ place }) => place && placeName(place)));
      const own = differences.filter(({ place }) => places.has(placeName(place)));
      if (own.length > 0) board.note(intent.service, foreignWriter(intent.service, loadBalancerId, own));
    }
  }

  /** What the newest plan of the targets leaves out for want of room. */
  plan(loadBalancerId: string): void {
    const { tenancies, driver, fleet, board } = this.#options;
    const plan = fleet.get(loadBalancerId)?.lane.plan;
    const quota = driver.quotaAt(loadBalancerId);
    const problemOf = (rule: Rule) => {
      const leftOut = plan?.leftOut.get(rule.id) ?? 0;
      return leftOut > 0 ? [quotaReached(rule, { loadBalancerId, leftOut, quota })] : [];
    };
    for (const [uid, { intent }] of tenancies.tenantsOf(loadBalancerId)) {
      const problems = plan?.leftOut.size ? driver.rulesAt(loadBalancerId, uid).flatMap(problemOf) : [];
      board.put(intent.service, `quota of ${loadBalancerId}`, problems);
    }
  }
}

function placeName({ listenerId, locationId }: { readonly listenerId: string; readonly locationId: string }): string {
  return `${listenerId}/${locationId}`;
}
