import type { LanePlan, WorkedOutRule } from '../core/lane-plan.ts';

/** Which rules of a lane have to do with which Pods, kept up to date with what each plan worked out anew. */
export class PodIndex {
  readonly #rulesOf = new Map<string, Set<string>>();
  /** Rules that hold a target of ours. */
  readonly #owning = new Set<string>();
  /** Rules that hold a target whose Pod is being deleted. */
  readonly #draining = new Set<string>();

  rulesOf(podUid: string): ReadonlySet<string> {
    return this.#rulesOf.get(podUid) ?? NONE;
  }

  podUids(): Iterable<string> {
    return this.#rulesOf.keys();
  }

  get ownsTargets(): boolean {
    return this.#owning.size > 0;
  }

  get isDraining(): boolean {
    return this.#draining.size > 0;
  }

  /** Takes over what differs between two plans. */
  update(previous: LanePlan | undefined, plan: LanePlan): void {
    for (const [ruleId, rule] of previous?.rules ?? []) {
      if (plan.rules.get(ruleId) !== rule) this.#remove(ruleId, rule);
    }
    for (const [ruleId, rule] of plan.rules) {
      if (previous?.rules.get(ruleId) !== rule) this.#add(ruleId, rule);
    }
  }

  #remove(ruleId: string, rule: WorkedOutRule): void {
    this.#owning.delete(ruleId);
    this.#draining.delete(ruleId);
    for (const podUid of rule.podUids) {
      const rules = this.#rulesOf.get(podUid);
      rules?.delete(ruleId);
      if (rules?.size === 0) this.#rulesOf.delete(podUid);
    }
  }

  #add(ruleId: string, rule: WorkedOutRule): void {
    for (const podUid of rule.podUids) {
      const rules = this.#rulesOf.get(podUid);
      if (rules) rules.add(ruleId);
      else this.#rulesOf.set(podUid, new Set([ruleId]));
    }
    for (const { bound } of rule.state.targets) {
      if (bound?.mark) this.#owning.add(ruleId);
      if (bound?.owner?.deletionSeenAt !== undefined) this.#draining.add(ruleId);
    }
  }
}

const NONE: ReadonlySet<string> = new Set();
