import type { Rule } from '../core/rule.ts';
import type { PodProfile } from '../kube/pod-profile.ts';
import { healthCheckAt, lintTemplates, type TemplateUse } from '../loadbalancers/template-lint.ts';
import type { Claims } from './claims.ts';
import { takeSome } from './dirt.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { PodDesk } from './pod-desk.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { WantedRules } from './wanted-rules.ts';

export interface LintDeskOptions {
  readonly claims: Pick<Claims, 'get'>;
  readonly rules: Pick<WantedRules, 'of'>;
  readonly pods: Pick<PodDesk, 'profilesBehind'>;
  readonly fleet: Pick<LaneFleet, 'get'>;
  readonly board: Pick<ProblemBoard, 'put'>;
}

const OWNERS_PER_LOOK = 50;

/** Rules of many ports have one selector. */
type Profiles = Map<Rule['selector'], readonly PodProfile[]>;

/** Tells what does not go together in the templates of Pods and in CLB. Nobody waits for it. */
export class LintDesk {
  readonly #options: LintDeskOptions;
  /** UIDs of Services and Ingresses. */
  readonly #dirty = new Set<string>();

  constructor(options: LintDeskOptions) {
    this.#options = options;
  }

  /** Something about the Pods or the rules of the Service or Ingress is otherwise. */
  mark(ownerUid: string): void {
    this.#dirty.add(ownerUid);
  }

  /** To be called every now and then. */
  look(): void {
    const { claims, rules, board } = this.#options;
    for (const uid of takeSome(this.#dirty, OWNERS_PER_LOOK)) {
      const claimed = claims.get(uid);
      if (!claimed) continue;
      const known: Profiles = new Map();
      const uses = rules.of(uid).flatMap(rule => this.#usesOf(rule, known));
      board.put(claimed.service, 'templates', lintTemplates(claimed.service, uses));
    }
  }

  #usesOf(rule: Rule, known: Profiles): readonly TemplateUse[] {
    const { pods, fleet } = this.#options;
    const lane = rule.place && fleet.get(rule.place.loadBalancerId)?.lane;
    const check = rule.place && lane ? healthCheckAt(rule.place, lane.listeners) : undefined;
    const profiles = known.get(rule.selector) ?? pods.profilesBehind(rule);
    known.set(rule.selector, profiles);
    return profiles.map(profile => ({ rule, check, profile }));
  }
}
