import { bindingKey } from './binding-key.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import { type Disposition, dispositionOf } from './disposition.ts';
import type { Mark } from './mark.ts';
import { formatMark } from './mark.ts';
import { selects } from './rule.ts';
import { type BoundTarget, type PlacedRule, placeOf, type RuleTarget } from './rule-state.ts';
import type { TargetChange } from './target-operation.ts';

/** What one target calls for, before brake, floor and batching have their say. */
export type Wish =
  | { readonly kind: 'none' }
  | { readonly kind: 'change'; readonly change: TargetChange; readonly podUid: string }
  /** Carries our mark, and nobody vouches for its Pod: the API server must be asked before anything happens (law L1). */
  | { readonly kind: 'prove'; readonly mark: Mark }
  /** Bound by somebody else, perhaps where a Pod of ours wants to be (law L6). */
  | { readonly kind: 'foreign'; readonly pod: PodView | undefined };

const NONE: Wish = { kind: 'none' };

export interface WishContext {
  readonly rule: PlacedRule;
  readonly view: Pick<ClusterView, 'tombstone'>;
  readonly cluster: string;
  /** The target that is to give its place to another one, by key. */
  readonly givesPlace?: string | undefined;
  /** As in the rule's state. */
  readonly keepsLeavingNodes?: boolean | undefined;
}

/** Carries our mark. */
type OwnTarget = BoundTarget & { readonly mark: Mark };

export function wishOf(target: RuleTarget, context: WishContext): Wish {
  if (target.transaction) return NONE;
  if (target.bound && !target.bound.mark) return wishOfForeign(target, target.bound, context);
  if (target.refusal !== undefined) return NONE;
  if (!target.bound) return wishOfUnbound(target, context);
  return wishOfBound(target, target.bound as OwnTarget, context);
}

function wishOfUnbound(target: RuleTarget, context: WishContext): Wish {
  if (!target.wanted) return NONE;
  const { pod, disposition } = target.wanted;
  if (disposition.kind !== 'serve' && disposition.kind !== 'standby') return NONE;
  // What is known of it may be old, or be said by whom it does not belong to.
  if (isHearsay(pod) || pod.isDisputed) return NONE;
  const weight = disposition.kind === 'serve' ? disposition.weight : 0;
  return change(pod.record.uid, { kind: 'register', weight, tag: tagFor(pod, context) });
}

/** Adoption is the user's word about the listener; what becomes ours is a living Pod that the API server knows (L6). */
function wishOfForeign({ wanted, refusal }: RuleTarget, bound: BoundTarget, context: WishContext): Wish {
  const isMeant = wanted?.disposition.kind === 'serve' || wanted?.disposition.kind === 'standby';
  const mayBeAdopted = context.rule.isAdopted === true && !bound.hasOthersMark && refusal === undefined;
  if (!wanted || !isMeant || !wanted.pod.confirmed || !mayBeAdopted) return { kind: 'foreign', pod: wanted?.pod };
  return change(wanted.pod.record.uid, { kind: 'adopt', tag: tagFor(wanted.pod, context) });
}

function tagFor({ record }: PodView, { cluster }: WishContext): string {
  return formatMark({ cluster, namespace: record.namespace, name: record.name, podUid: record.uid });
}

function wishOfBound(target: RuleTarget, bound: OwnTarget, context: WishContext): Wish {
  const tombstone = context.view.tombstone(bound.mark.podUid);
  if (tombstone && tombstone.node === undefined)
    return wishOfOwnerless(target, bound, { ...context, evidence: 'gone' });
  if (!bound.owner) return { kind: 'prove', mark: bound.mark };
  const wish = wishOfOwned(target, { ...bound, owner: bound.owner }, context);
  return takesAway(wish) && !bound.owner.isPlaced ? { kind: 'prove', mark: bound.mark } : wish;
}

function wishOfOwned(target: RuleTarget, bound: OwnTarget & { readonly owner: PodView }, context: WishContext): Wish {
  if (hasLostAddress(bound.owner, target)) return wishOfOwnerless(target, bound, { ...context, evidence: 'moved' });
  const disposition = ownDisposition(bound.owner, target, context);
  return target.key === context.givesPlace ? wishOfGiver(disposition, bound) : wishFor(disposition, bound);
}

/** By what is said of its Pod; who gives its place to another one does so by nobody's word. */
function takesAway(wish: Wish): boolean {
  if (wish.kind !== 'change') return false;
  const { change } = wish;
  return (change.kind === 'close' || change.kind === 'deregister') && change.evidence !== 'quota';
}

/**
 * Of a target whose owner is gone from there. Another Pod may have the address by now, also one that nobody has reported
 * yet, and CLB sends it connections, which a removal would cut (law L4): so what is open is closed first. A Pod that the
 * rule wants in the same place takes it over as it stands, and is without traffic for no moment.
 */
function wishOfOwnerless(
  { wanted }: RuleTarget,
  bound: OwnTarget,
  context: WishContext & { readonly evidence: 'gone' | 'moved' },
): Wish {
  const { podUid } = bound.mark;
  const isOpen = bound.weight > 0;
  const heir = wanted?.disposition.kind === 'remove' ? undefined : wanted;
  if (isOpen && heir?.disposition.kind !== 'serve') return change(podUid, { kind: 'close', evidence: 'deletion' });
  // An heir that only an agent knows of keeps nothing from going: it may be made up (law L12).
  if (!heir?.pod.confirmed) return change(podUid, { kind: 'deregister', evidence: context.evidence });
  return change(heir.pod.record.uid, { kind: 'adopt', tag: tagFor(heir.pod, context) });
}

function wishFor(disposition: Disposition, bound: OwnTarget): Wish {
  const { podUid } = bound.mark;
  const closed = bound.weight === 0;
  switch (disposition.kind) {
    case 'serve':
      if (bound.weight === disposition.weight) return NONE;
      // Where nobody could take over, what is open on such a node stays so, and no more than that (law L5).
      if (closed && bound.owner && isHearsay(bound.owner)) return NONE;
      if (disposition.weight === 0) return change(podUid, { kind: 'close', evidence: 'weight' });
      return change(podUid, { kind: 'open', weight: disposition.weight });
    case 'standby':
      // Not confirmed yet is no evidence against a target that is open already, say under a fresh leader.
      if (closed || disposition.waitsFor === 'confirmation') return NONE;
      return change(podUid, { kind: 'close', evidence: 'unready' });
    case 'drain':
      if (!closed) return change(podUid, { kind: 'close', evidence: disposition.evidence });
      return disposition.evidence === 'unselected'
        ? change(podUid, { kind: 'deregister', evidence: 'unselected' })
        : NONE;
    case 'remove':
      // What has weight may have new connections since the agent looked, or of the next Pod with its address (law L4).
      if (!closed) return change(podUid, { kind: 'close', evidence: 'deletion' });
      return change(podUid, { kind: 'deregister', evidence: disposition.evidence });
  }
}

/** Nobody tells what becomes of the Pod: it may have ended, and another one may have its address. */
function isHearsay({ isNodeInDoubt, nodeSign }: PodView): boolean {
  return isNodeInDoubt || nodeSign?.kind === 'unreachable';
}

/** What is on its way to weight 0 for a stronger reason keeps it. */
function wishOfGiver(disposition: Disposition, bound: OwnTarget): Wish {
  const { podUid } = bound.mark;
  if (bound.weight === 0) return change(podUid, { kind: 'deregister', evidence: 'quota' });
  return disposition.kind === 'serve'
    ? change(podUid, { kind: 'close', evidence: 'quota' })
    : wishFor(disposition, bound);
}

/** A Pod that the rule has stopped to select is drained; one on its way out keeps its own, stronger reason. */
function ownDisposition(owner: PodView, target: RuleTarget, context: WishContext): Disposition {
  const disposition = dispositionOf(owner, context.rule, context);
  const leaving =
    disposition.kind === 'remove' || (disposition.kind === 'drain' && disposition.evidence === 'deletion');
  if (!leaving && !isStillMeant(owner, target, context.rule)) return { kind: 'drain', evidence: 'unselected' };
  const isOld = hasNoAddress(owner) && disposition.kind === 'standby';
  return isOld ? { kind: 'standby', waitsFor: 'confirmation' } : disposition;
}

/** What is said of it is older than its target, and says nothing of this one: who bound it has heard more. */
function hasNoAddress({ record }: PodView): boolean {
  return record.addresses.length === 0;
}

function isStillMeant(owner: PodView, target: RuleTarget, rule: PlacedRule): boolean {
  if (hasNoAddress(owner)) return selects(rule, owner.record);
  const place = placeOf(rule, owner);
  return place !== undefined && bindingKey(place) === target.key;
}

/**
 * The address is no more the owner's: it has others now, or it is on its way out and a living, confirmed Pod has this
 * one. A Pod without any address says nothing.
 */
function hasLostAddress(owner: PodView, target: RuleTarget): boolean {
  const { addresses } = owner.record;
  if (owner.isDisputed) return false;
  if (addresses.length > 0 && !addresses.includes(target.place.address)) return true;
  const heir = target.wanted?.pod;
  if (owner.deletionSeenAt === undefined || !heir?.confirmed) return false;
  return heir.record.uid !== owner.record.uid && heir.deletionSeenAt === undefined;
}

function change(podUid: string, targetChange: TargetChange): Wish {
  return { kind: 'change', change: targetChange, podUid };
}
