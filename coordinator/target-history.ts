import { lifeCycleOf } from './core/life-cycle.ts';
import type { RuleState } from './core/rule-state.ts';

/** Since when each target of one load balancer is in its state, as this leader saw it. */
export class TargetHistory {
  #entries: ReadonlyMap<string, { readonly what: string; readonly since: number }> = new Map();

  /** Targets that are no longer there are forgotten. */
  observe(states: readonly RuleState[], now: number): void {
    const entries = new Map<string, { what: string; since: number }>();
    for (const target of states.flatMap(state => state.targets)) {
      const what = `${target.bound?.mark?.podUid ?? target.wanted?.pod.record.uid} ${lifeCycleOf(target).state}`;
      const known = this.#entries.get(target.key);
      entries.set(target.key, { what, since: known?.what === what ? known.since : now });
    }
    this.#entries = entries;
  }

  since(key: string): number | undefined {
    return this.#entries.get(key)?.since;
  }
}
