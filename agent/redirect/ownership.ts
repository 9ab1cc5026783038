import { isDeepStrictEqual } from 'node:util';
import { isSameOwner, isYounger, type RuleOwner, type StandingRule } from './hook-redirect.ts';

/** What an agent knows of the node's rule. */
export type Ownership =
  /** It has not taken the rule over yet. */
  | { readonly type: 'waiting' }
  /** The rule was ours when it was last read, and stood like this. */
  | { readonly type: 'owner'; readonly owner: RuleOwner; readonly standing: StandingRule }
  /** A younger agent took it over; the rule leads there. */
  | { readonly type: 'superseded'; readonly agentPort: number };

export type OwnershipStep =
  /** All is as it should be. */
  | { readonly type: 'keep' }
  /** Write the rule as this owner. */
  | { readonly type: 'write'; readonly owner: RuleOwner; readonly why: 'take-over' | 'repair' }
  | { readonly type: 'yield'; readonly agentPort: number };

export interface OwnershipView {
  /** What was just read. */
  readonly standing: StandingRule | undefined;
  /** Whether an agent listens at this port; asked only about that of a younger one. */
  readonly isServed: (agentPort: number) => boolean;
  /** The owner that this agent would be if no rule stood there. */
  readonly self: RuleOwner;
}

/**
 * What to do about the rule that stands on the node. An agent that is ready takes the rule over from whoever has it, once;
 * from then on only a rule that is damaged, or that leads to a younger agent which listens no more, is written again.
 */
export function nextStep(ownership: Ownership, { standing, isServed, self }: OwnershipView): OwnershipStep {
  const takeOver = (): OwnershipStep => ({ type: 'write', owner: successor(standing, self), why: 'take-over' });
  switch (ownership.type) {
    case 'waiting':
      return takeOver();
    case 'owner': {
      const repair: OwnershipStep = { type: 'write', owner: ownership.owner, why: 'repair' };
      if (!standing) return repair;
      if (isSameOwner(standing.owner, ownership.owner)) {
        return isDeepStrictEqual(standing, ownership.standing) ? { type: 'keep' } : repair;
      }
      return isYounger(standing.owner, ownership.owner) ? { type: 'yield', agentPort: standing.agentPort } : repair;
    }
    case 'superseded':
      return isServed(standing?.agentPort ?? ownership.agentPort) ? { type: 'keep' } : takeOver();
  }
}

/** Younger than the one it follows, even where the node's clock was set back in between. */
function successor(standing: StandingRule | undefined, self: RuleOwner): RuleOwner {
  return { ...self, stamp: Math.max(self.stamp, (standing?.owner.stamp ?? 0) + 1) };
}
