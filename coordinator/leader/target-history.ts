import type { WorkedOutRule } from '../core/lane-plan.ts';
import { type LifeCycleState, lifeCycleOf } from '../core/life-cycle.ts';
import { type Mismatch, mismatchOf } from '../core/mismatch.ts';

interface Entry {
  readonly what: string;
  readonly since: number;
}

/** A target that is otherwise than wanted. */
export interface Mismatched {
  readonly kind: Mismatch;
  /** Monotonic milliseconds; goes on when it becomes otherwise wrong. */
  readonly since: number;
}

/** Targets of one rule that are ours or wanted. */
export interface TargetCounts {
  readonly states: ReadonlyMap<LifeCycleState, number>;
  /** Open ones that CLB finds unhealthy. */
  readonly unhealthy: number;
}

interface RuleHistory {
  readonly state: WorkedOutRule['state'];
  readonly entries: ReadonlyMap<string, Entry>;
  /** By key; those alone that are otherwise than wanted. */
  readonly mismatched: ReadonlyMap<string, Mismatched>;
  readonly counts: TargetCounts;
}

type Observed = Pick<WorkedOutRule, 'state' | 'plan'>;

/** Since when each target of one load balancer is in its state, or otherwise than wanted, as this leader saw it. */
export class TargetHistory {
  #rules: ReadonlyMap<string, RuleHistory> = new Map();

  /** Rules and targets that are no longer there are forgotten; a state that was observed before costs nothing. */
  observe(rules: Iterable<Observed>, now: number): void {
    const histories = new Map<string, RuleHistory>();
    for (const rule of rules) {
      const { id } = rule.state.rule;
      const known = this.#rules.get(id);
      histories.set(id, known?.state === rule.state ? known : historyOf(rule, known, now));
    }
    this.#rules = histories;
  }

  since(key: string): number | undefined {
    for (const { entries } of this.#rules.values()) {
      const entry = entries.get(key);
      if (entry) return entry.since;
    }
    return undefined;
  }

  /** The targets that are otherwise than wanted, without those that law L2 keeps in. */
  *mismatched(): Iterable<Mismatched> {
    for (const { mismatched } of this.#rules.values()) yield* mismatched.values();
  }

  /** Of each rule. */
  *counts(): Iterable<TargetCounts> {
    for (const { counts } of this.#rules.values()) yield counts;
  }
}

function countsOf({ targets }: Observed['state']): TargetCounts {
  const states = new Map<LifeCycleState, number>();
  let unhealthy = 0;
  for (const target of targets) {
    const { bound, wanted } = target;
    if (!wanted && !bound?.mark) continue;
    const { state } = lifeCycleOf(target);
    states.set(state, (states.get(state) ?? 0) + 1);
    if (bound?.health === 'unhealthy' && bound.weight > 0) unhealthy += 1;
  }
  return { states, unhealthy };
}

function historyOf({ state, plan }: Observed, before: RuleHistory | undefined, now: number): RuleHistory {
  const held = new Set(plan.holds.map(hold => hold.key));
  const entries = new Map<string, Entry>();
  const mismatched = new Map<string, Mismatched>();
  for (const target of state.targets) {
    const { key } = target;
    const what = `${target.bound?.mark?.podUid ?? target.wanted?.pod.record.uid} ${lifeCycleOf(target).state}`;
    const known = before?.entries.get(key);
    entries.set(key, known?.what === what ? known : { what, since: now });
    const kind = held.has(key) ? undefined : mismatchOf(target);
    if (kind) mismatched.set(key, { kind, since: before?.mismatched.get(key)?.since ?? now });
  }
  return { state, entries, mismatched, counts: countsOf(state) };
}
