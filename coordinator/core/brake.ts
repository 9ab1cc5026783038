/** How much weak evidence may take from one rule (law L2). */
export interface BrakeLimits {
  /** Of the rule's bound targets, 0 to 1; at least one target may go in every window. */
  readonly share: number;
  readonly windowMs: number;
}

export const DEFAULT_BRAKE: BrakeLimits = { share: 0.2, windowMs: 60_000 };

/** When targets were closed on weak evidence, per rule id; ascending monotonic milliseconds. */
export type BrakeHistory = ReadonlyMap<string, readonly number[]>;

/** How many more targets of the rule weak evidence may close now. */
export function brakeAllowance(
  history: BrakeHistory,
  rule: { id: string; boundTargets: number },
  limits: BrakeLimits,
  now: number,
): number {
  const allowed = Math.max(1, Math.floor(rule.boundTargets * limits.share));
  const charged = (history.get(rule.id) ?? []).filter(at => now < at + limits.windowMs).length;
  return Math.max(0, allowed - charged);
}

/** When the allowance may grow again, or undefined when nothing is charged. */
export function brakeEasesAt(
  history: BrakeHistory,
  ruleId: string,
  limits: BrakeLimits,
  now: number,
): number | undefined {
  const oldest = (history.get(ruleId) ?? []).find(at => now < at + limits.windowMs);
  return oldest === undefined ? undefined : oldest + limits.windowMs;
}

/** The history after `count` closings on a rule; what has left the window is forgotten. */
export function chargeBrake(
  history: BrakeHistory,
  ruleId: string,
  count: number,
  options: { limits: BrakeLimits; now: number },
): BrakeHistory {
  const kept = (history.get(ruleId) ?? []).filter(at => options.now < at + options.limits.windowMs);
  return new Map(history).set(ruleId, [...kept, ...Array<number>(count).fill(options.now)]);
}
