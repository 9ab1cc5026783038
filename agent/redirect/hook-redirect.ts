/** Which agent a rule belongs to. The younger one has the larger stamp; equal stamps are told apart by the incarnation. */
export interface RuleOwner {
  /** The agent's start in wall-clock milliseconds, or one more than the stamp that it took over from, if that is later. */
  readonly stamp: number;
  readonly incarnation: string;
}

export interface RedirectRule {
  readonly owner: RuleOwner;
  /** What root's calls to the hook port are redirected for, sorted: hooked Pods, and 127.0.0.1 for calls that carry a token. */
  readonly addresses: readonly string[];
}

/** A rule as it was found on the node. */
export interface StandingRule extends RedirectRule {
  /** Where it leads. */
  readonly agentPort: number;
  /** Equal as long as nobody changed anything but the addresses. */
  readonly fingerprint: string;
}

export interface AddressChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The node's rule that leads calls to the hook port of the hooked Pods to the agent's loopback port. One rule of an
 * instance stands on a node, whoever wrote it; it outlives its writer. Every method rejects with an Error when the node refuses.
 */
export interface HookRedirect {
  /** Whether the node can lead calls to this address to the agent. */
  covers(address: string): boolean;
  /** What stands there; undefined when no agent's rule does. */
  read(signal: AbortSignal): Promise<StandingRule | undefined>;
  /** Puts the whole rule in place of whatever stands there, so that no call falls between the two. */
  replace(rule: RedirectRule, signal: AbortSignal): Promise<void>;
  /** Adds and removes addresses of the rule that `owner` wrote. Rejects when that one does not stand there any more. */
  change(owner: RuleOwner, change: AddressChange, signal: AbortSignal): Promise<void>;
  /** Whether an agent listens where a rule leads. */
  isServed(agentPort: number): Promise<boolean>;
}

export function isSameOwner(a: RuleOwner, b: RuleOwner): boolean {
  return a.stamp === b.stamp && a.incarnation === b.incarnation;
}

export function isYounger(a: RuleOwner, b: RuleOwner): boolean {
  return a.stamp === b.stamp ? a.incarnation > b.incarnation : a.stamp > b.stamp;
}

/** As a comment in the rule, where the next agent reads it. */
export function formatOwner({ stamp, incarnation }: RuleOwner): string {
  return `clb-direct agent, owner ${stamp} ${incarnation}`;
}

export function parseOwner(comment: string): RuleOwner | undefined {
  const [, stamp, incarnation] = /^clb-direct agent, owner (\d+) (\S+)$/.exec(comment) ?? [];
  return incarnation === undefined ? undefined : { stamp: Number(stamp), incarnation };
}
