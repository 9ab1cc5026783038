import type { BindingPlace } from './binding-key.ts';
import type { DrainEvidence, RemoveEvidence } from './disposition.ts';

/** One change of one binding. It names the Pod it is meant for, and is never applied to another one's (law L5). */
export type TargetOperation = TargetChange & {
  readonly key: string;
  readonly place: BindingPlace;
  readonly ruleId: string;
  readonly podUid: string;
};

export type TargetChange =
  | { readonly kind: 'close'; readonly evidence: DrainEvidence }
  | { readonly kind: 'open'; readonly weight: number }
  | { readonly kind: 'register'; readonly weight: number; readonly tag: string }
  /** Gives a foreign target of an adopted listener our mark (law L6), or one whose owner is gone that of its heir (L5). */
  | { readonly kind: 'adopt'; readonly tag: string }
  | { readonly kind: 'deregister'; readonly evidence: RemoveEvidence };

/** Lanes order work by these, first to last (design section 4, Who wins). */
export const PRIORITIES = ['close', 'deregister-dead', 'open', 'register', 'adopt', 'deregister-drained'] as const;
export type Priority = (typeof PRIORITIES)[number];

export function priorityOf(operation: TargetChange): Priority {
  switch (operation.kind) {
    case 'close':
      return 'close';
    case 'open':
      return 'open';
    case 'register':
      return 'register';
    case 'adopt':
      return 'adopt';
    case 'deregister':
      // A hook waits for the removal of a drained target, but nothing is lost while it stands at weight 0.
      return isDrained(operation.evidence) ? 'deregister-drained' : 'deregister-dead';
  }
}

function isDrained(evidence: RemoveEvidence): boolean {
  return evidence === 'connections-ended' || evidence === 'unselected' || evidence === 'quota';
}
