import { GateState } from '../../common/pod-record.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import { isWeighted } from './floor.ts';
import { isTerminal } from './lasting-facts.ts';
import type { RuleState, RuleTarget } from './rule-state.ts';

/** What CLB's limit of targets on one rule leads to. */
export interface QuotaDecision {
  /** Targets that are not bound for lack of room, by key. */
  readonly leftOut: ReadonlySet<string>;
  /**
   * The bound target that gives its place to a Pod whose gate waits, by key: without it a rollout at the quota would wait
   * for ever, since it takes no old Pod away before a new one is ready. At most one at a time.
   */
  readonly givesPlace: string | undefined;
  /** When to decide again though nothing happened. */
  readonly lookAgainAt: number | undefined;
}

const ROOM_FOR_ALL: QuotaDecision = { leftOut: new Set(), givesPlace: undefined, lookAgainAt: undefined };

/** A deleted Pod is counted on to free its place for this long; one that takes longer may take for ever. */
const LEAVES_WITHIN_MS = 60_000;

const POD_TEMPLATE_HASH_LABEL = 'pod-template-hash';

export interface QuotaInput {
  readonly view: Pick<ClusterView, 'tombstone'>;
  /** CLB's limit for the rule; foreign targets count against it too. */
  readonly targetsMax: number;
  readonly now: number;
}

/**
 * Who has a place on the rule: what is bound stays, then come Pods whose gates wait, then the others, each by age and
 * name. Everything bound holds its place until it was read as gone.
 */
export function decideQuota(state: RuleState, input: QuotaInput): QuotaDecision {
  const candidates = state.targets.filter(waitsForRegistration);
  const room = input.targetsMax - state.targets.filter(hasPlace).length;
  if (candidates.length <= room) return ROOM_FOR_ALL;
  const leftOut = candidates.sort(byClaim).slice(Math.max(0, room));
  const leaving = leavingSoon(state.targets, input);
  const waiting = leftOut.filter(isGateWaiting).length;
  const free = Math.min(0, room) + leaving.count;
  return {
    leftOut: new Set(leftOut.map(target => target.key)),
    // Below zero a single place would help nobody.
    givesPlace: free >= 0 && waiting > free ? chooseGiver(state.targets)?.key : undefined,
    lookAgainAt: leaving.until,
  };
}

function hasPlace({ bound, transaction }: RuleTarget): boolean {
  return bound !== undefined || transaction?.operation === 'register';
}

function waitsForRegistration({ bound, transaction, wanted, refusal }: RuleTarget): boolean {
  if (bound || transaction || refusal !== undefined) return false;
  return wanted?.disposition.kind === 'serve' || wanted?.disposition.kind === 'standby';
}

function byClaim(a: RuleTarget, b: RuleTarget): number {
  return claimRank(a) - claimRank(b) || byPodAge(a, b);
}

function claimRank(target: RuleTarget): number {
  if (isGateWaiting(target)) return 0;
  return target.wanted?.pod.record.gate === GateState.CLOSED ? 1 : 2;
}

/** Its Pod could serve, and its gate is shut until it does. */
function isGateWaiting({ wanted }: RuleTarget): boolean {
  return wanted?.disposition.kind === 'serve' && wanted.pod.record.gate === GateState.CLOSED;
}

function byPodAge(a: RuleTarget, b: RuleTarget): number {
  const one = a.wanted?.pod.record;
  const other = b.wanted?.pod.record;
  if (!one || !other) return 0;
  return one.createdAtMs - other.createdAtMs || (one.name < other.name ? -1 : 1);
}

/** How many places become free without our doing, and until when at most that is counted on. */
function leavingSoon(targets: readonly RuleTarget[], input: QuotaInput): { count: number; until: number | undefined } {
  let count = 0;
  let until: number | undefined;
  for (const target of targets) {
    const leavesBy = leavesUntil(target, input);
    if (leavesBy === undefined || leavesBy <= input.now) continue;
    count += 1;
    if (Number.isFinite(leavesBy)) until = Math.min(until ?? leavesBy, leavesBy);
  }
  return { count, until };
}

/** Until when the target is counted on to leave; undefined for one that stays. */
function leavesUntil({ bound, wanted, transaction }: RuleTarget, { view }: QuotaInput): number | undefined {
  if (!bound?.mark) return undefined;
  if (transaction?.operation === 'deregister' || view.tombstone(bound.mark.podUid)) return Number.POSITIVE_INFINITY;
  const { owner } = bound;
  if (!owner) return undefined;
  if (owner.deletionSeenAt !== undefined) return owner.deletionSeenAt + LEAVES_WITHIN_MS;
  const isUnselected = wanted?.pod.record.uid !== owner.record.uid;
  const isLeaving = owner.drain !== undefined || isTerminal(owner.record) || (isUnselected && bound.weight === 0);
  return isLeaving ? Number.POSITIVE_INFINITY : undefined;
}

/** First what takes no traffic, then Pods of the oldest ReplicaSet. */
function chooseGiver(targets: readonly RuleTarget[]): RuleTarget | undefined {
  const agesMs = replicaSetAges(targets);
  const givers = targets.filter(mayGivePlace);
  givers.sort(
    (a, b) =>
      Number(isWeighted(a)) - Number(isWeighted(b)) ||
      replicaSetAgeOf(a, agesMs) - replicaSetAgeOf(b, agesMs) ||
      byPodAge(a, b),
  );
  return givers[0];
}

/** Not one that is about to leave by itself, nor one whose own gate waits for this place. */
function mayGivePlace({ bound, wanted, transaction, refusal }: RuleTarget): boolean {
  const owner = bound?.owner;
  if (!owner || wanted?.pod.record.uid !== owner.record.uid) return false;
  if (isLeavingPod(owner) || transaction?.operation === 'deregister' || refusal !== undefined) return false;
  if (wanted.disposition.kind === 'serve') return owner.record.gate !== GateState.CLOSED;
  return bound?.weight === 0;
}

function isLeavingPod(pod: PodView): boolean {
  return pod.deletionSeenAt !== undefined || pod.drain !== undefined || isTerminal(pod.record);
}

/** When the oldest Pod of each ReplicaSet was created, by its hash. */
function replicaSetAges(targets: readonly RuleTarget[]): ReadonlyMap<string, number> {
  const agesMs = new Map<string, number>();
  for (const { wanted } of targets) {
    const hash = wanted?.pod.record.labels[POD_TEMPLATE_HASH_LABEL];
    if (!wanted || hash === undefined) continue;
    const { createdAtMs } = wanted.pod.record;
    agesMs.set(hash, Math.min(agesMs.get(hash) ?? createdAtMs, createdAtMs));
  }
  return agesMs;
}

function replicaSetAgeOf({ wanted }: RuleTarget, agesMs: ReadonlyMap<string, number>): number {
  const hash = wanted?.pod.record.labels[POD_TEMPLATE_HASH_LABEL];
  return (hash === undefined ? undefined : agesMs.get(hash)) ?? wanted?.pod.record.createdAtMs ?? 0;
}
