import { lifeCycleOf } from '../core/life-cycle.ts';
import type { RuleState } from '../core/rule-state.ts';

interface Entry {
  readonly what: string;
  readonly since: number;
}

interface RuleHistory {
  readonly state: RuleState;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** Since when each target of one load balancer is in its state, as this leader saw it. */
export class TargetHistory {
  #rules: ReadonlyMap<string, RuleHistory> = new Map();

  /** Rules and targets that are no longer there are forgotten; a state that was observed before costs nothing. */
  observe(states: readonly RuleState[], now: number): void {
    this.#rules = new Map(
      states.map(state => {
        const known = this.#rules.get(state.rule.id);
        return [state.rule.id, known?.state === state ? known : historyOf(state, known?.entries, now)] as const;
      }),
    );
  }

  since(key: string): number | undefined {
    for (const { entries } of this.#rules.values()) {
      const entry = entries.get(key);
      if (entry) return entry.since;
    }
    return undefined;
  }
}

function historyOf(state: RuleState, before: ReadonlyMap<string, Entry> | undefined, now: number): RuleHistory {
  const entries = new Map<string, Entry>();
  for (const target of state.targets) {
    const what = `${target.bound?.mark?.podUid ?? target.wanted?.pod.record.uid} ${lifeCycleOf(target).state}`;
    const known = before?.get(target.key);
    entries.set(target.key, known?.what === what ? known : { what, since: now });
  }
  return { state, entries };
}
