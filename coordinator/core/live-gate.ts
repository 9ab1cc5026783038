import { type BrakeHistory, type BrakeLimits, brakeAllowance, brakeEasesAt, DEFAULT_BRAKE } from './brake.ts';

export interface LiveGateLimits {
  /** A target has to be unhealthy without a break for so long. */
  readonly unhealthyMs: number;
  /** A gate that opened again stays open so long; twice as long with each time that it was shut. */
  readonly openMs: number;
  readonly openMaxMs: number;
  readonly brake: BrakeLimits;
}

/** CLB's own thresholds have decided before, so that a short time does. */
export const DEFAULT_LIVE_GATE: LiveGateLimits = {
  unhealthyMs: 10_000,
  openMs: 60_000,
  openMaxMs: 960_000,
  brake: DEFAULT_BRAKE,
};

/** A rule on which CLB finds the Pod unhealthy. */
export interface AilingRule {
  readonly id: string;
  /** Monotonic time since which it does. */
  readonly unhealthySince: number;
  /** Pods behind the rule with an open gate, this one included. */
  readonly openPods: number;
  /** Those of them, without this one, that CLB finds healthy. */
  readonly healthyOthers: number;
}

/** What became of the gate in this term. */
export interface GateHistory {
  /** How often it was shut because of health. */
  readonly shutCount: number;
  /** When it opened again last; undefined when it never had to. */
  readonly openedAt: number | undefined;
}

export interface LiveGateInput {
  /** Not empty. */
  readonly rules: readonly AilingRule[];
  readonly history: GateHistory;
  /** When gates were shut, by rule. */
  readonly charges: BrakeHistory;
  readonly now: number;
}

/** Never is the last Pod shut that others could turn to, and never more at a time than the brake allows (law L2). */
export function liveGate(
  input: LiveGateInput,
  limits: LiveGateLimits,
): { readonly shuts: true } | { readonly shuts: false; readonly lookAgainAt: number | undefined } {
  const { rules, history, charges, now } = input;
  const { unhealthyMs, brake } = limits;
  const ripeAt = Math.min(...rules.map(rule => rule.unhealthySince + unhealthyMs));
  const dampedUntil = Math.max(ripeAt, stayOpenUntil(history, limits));
  if (now < dampedUntil) return { shuts: false, lookAgainAt: dampedUntil };
  // Whoever gets well again is looked at then, and this one with it no sooner than its own health changes.
  if (rules.some(({ healthyOthers }) => healthyOthers === 0)) return { shuts: false, lookAgainAt: now + unhealthyMs };
  const held = rules.filter(
    ({ id, openPods }) => brakeAllowance(charges, { id, boundTargets: openPods }, brake, now) < 1,
  );
  if (held.length === 0) return { shuts: true };
  const easesAt = held.map(({ id }) => brakeEasesAt(charges, id, brake, now) ?? now + unhealthyMs);
  return { shuts: false, lookAgainAt: Math.max(...easesAt) };
}

function stayOpenUntil({ shutCount, openedAt }: GateHistory, { openMs, openMaxMs }: LiveGateLimits): number {
  if (openedAt === undefined || shutCount === 0) return Number.NEGATIVE_INFINITY;
  return openedAt + Math.min(openMaxMs, openMs * 2 ** (shutCount - 1));
}
