import type { RuleTarget } from './rule-state.ts';

/**
 * In what a target is otherwise than wanted: it is not bound as the Pod's, it is bound and nobody wants it, its weight is
 * another one, or CLB refuses it.
 */
export type Mismatch = (typeof MISMATCHES)[number];

export const MISMATCHES = ['missing', 'surplus', 'weight', 'refused'] as const;

/** @returns undefined when CLB shows what is wanted; what law L2 keeps back is left to the caller */
export function mismatchOf({ bound, wanted, refusal }: RuleTarget): Mismatch | undefined {
  if (refusal !== undefined) return 'refused';
  // What carries no mark of ours is nobody's business here (law L6).
  if (!wanted) return bound?.mark ? 'surplus' : undefined;
  const isPods = bound?.mark?.podUid === wanted.pod.record.uid;
  const { disposition } = wanted;
  switch (disposition.kind) {
    case 'serve':
      if (!isPods) return 'missing';
      return bound.weight === disposition.weight ? undefined : 'weight';
    case 'standby':
    case 'drain':
      return isPods && bound.weight > 0 ? 'weight' : undefined;
    case 'remove':
      return isPods ? 'surplus' : undefined;
  }
}
