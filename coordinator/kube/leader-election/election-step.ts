import type { Lease } from '../../../common/kube/objects.ts';
import type { ElectionOptions } from './election-options.ts';

/*
 * client-go's election as a function of values. Like the original it fences nothing by itself, and it trusts local clocks
 * to run at nearly the same rate, never to show the same time: timestamps in the lease are for people, a follower counts
 * from the moment at which it saw the lease change. Unlike the original a leader steps down at once when it reads a lease
 * that is not its own, an acquisition always begins a new term, and whoever makes a lease that is missing holds it for a
 * whole duration before leading: it may have been deleted from under somebody of whom nobody here has heard. So it should be
 * there, without a holder, before the first replica starts; a leader makes its own again and goes on.
 */

export interface ElectionState {
  /** The lease as last read or written; `observedAt` is our monotonic time of its last change. */
  readonly observed: { readonly lease: Lease; readonly observedAt: number } | undefined;
  /**
   * We made the lease that we hold, and may lead from then on; infinite while we do not know if we made it, undefined if it
   * was there before.
   */
  readonly leadsFrom: number | undefined;
  /** Whether `observed` may be written over without reading again. */
  readonly isFresh: boolean;
  readonly leadership: Leadership | undefined;
  /** A holder proven dead, not later than `at` (monotonic): its lease need not expire. */
  readonly deadHolder: { readonly identity: string; readonly at: number } | undefined;
  /** Who held the lease that we are about to take. */
  readonly predecessor: Predecessor;
  /** We leave for good: never lead again, and clear the lease if it is ours. */
  readonly hasResigned: boolean;
}

/** Until when, by our monotonic clock, another holder may have begun something under its lease. */
export type Predecessor =
  /** There was none, or it let the lease go with nothing under way. */
  | { readonly type: 'none' }
  /** Proven dead, not later than `at`. */
  | { readonly type: 'dead'; readonly at: number }
  /** Its lease ran out at `at`. */
  | { readonly type: 'expired'; readonly at: number };

export interface Leadership {
  readonly term: number;
  /** Monotonic time at which the last successful renewal began. */
  readonly renewedAt: number;
}

export type Observation =
  | { readonly type: 'tick' }
  | { readonly type: 'read'; readonly lease: Lease | undefined }
  | { readonly type: 'written'; readonly lease: Lease; readonly startedAt: number }
  /** The request failed; whether a write was done is unknown. */
  | { readonly type: 'failed' }
  | { readonly type: 'holderDied'; readonly identity: string; readonly at: number }
  | { readonly type: 'resigned' };

export type Effect =
  /** At most one `read` or `write` per step; its outcome is the next observation. */
  | { readonly type: 'read' }
  /** Creates the lease when it has no `resourceVersion`, else replaces exactly that version. */
  | { readonly type: 'write'; readonly lease: Lease }
  | { readonly type: 'startLeading'; readonly term: number; readonly predecessor: Predecessor }
  | { readonly type: 'stopLeading' };

export interface Moment {
  readonly monotonicMs: number;
  /** Only for timestamps that people read. */
  readonly wallMs: number;
}

export interface ElectionStep {
  readonly state: ElectionState;
  readonly effects: readonly Effect[];
}

export const INITIAL_ELECTION_STATE: ElectionState = {
  observed: undefined,
  leadsFrom: undefined,
  isFresh: false,
  leadership: undefined,
  deadHolder: undefined,
  predecessor: { type: 'none' },
  hasResigned: false,
};

export function electionStep(
  options: ElectionOptions,
  state: ElectionState,
  observation: Observation,
  now: Moment,
): ElectionStep {
  switch (observation.type) {
    case 'tick':
      return onTick(options, state, now);
    case 'read':
      return onRead(options, state, observation.lease, now);
    case 'written':
      return onWritten(options, state, observation, now);
    case 'failed':
      return stepDownIfOverdue(options, { ...state, isFresh: false }, now);
    case 'holderDied':
      return { state: { ...state, deadHolder: { identity: observation.identity, at: observation.at } }, effects: [] };
    case 'resigned':
      return onResigned(state);
  }
}

/** Monotonic time from which a leader no longer leads; undefined for a follower. */
export function renewDeadlineOf(options: ElectionOptions, state: ElectionState): number | undefined {
  return state.leadership && state.leadership.renewedAt + options.renewDeadlineMs;
}

/** Whether somebody else may still lead under the lease as it was last seen. */
function isHeldByOther(options: ElectionOptions, state: ElectionState, monotonicMs: number): boolean {
  const predecessor = predecessorOf(options, state);
  return predecessor.type === 'expired' && monotonicMs < predecessor.at;
}

/** What is known of the holder of the lease as it was last seen. */
function predecessorOf(options: ElectionOptions, { observed, deadHolder }: ElectionState): Predecessor {
  const spec = observed?.lease.spec;
  const holder = spec?.holderIdentity;
  if (!observed || !holder || holder === options.identity) return { type: 'none' };
  if (holder === deadHolder?.identity) return { type: 'dead', at: deadHolder.at };
  // The holder's own duration counts: it may be configured differently from ours.
  const durationMs = spec.leaseDurationSeconds ? spec.leaseDurationSeconds * 1_000 : options.leaseDurationMs;
  return { type: 'expired', at: observed.observedAt + durationMs };
}

function onTick(options: ElectionOptions, state: ElectionState, now: Moment): ElectionStep {
  if (state.hasResigned) return { state, effects: [] };
  const step = stepDownIfOverdue(options, state, now);
  const canRenewUnread = step.state.leadership && step.state.isFresh && step.state.observed;
  const request: Effect = canRenewUnread
    ? { type: 'write', lease: renewed(options, canRenewUnread.lease, now) }
    : { type: 'read' };
  return { state: step.state, effects: [...step.effects, request] };
}

function onRead(options: ElectionOptions, state: ElectionState, lease: Lease | undefined, now: Moment): ElectionStep {
  const seen = withLeadsFrom(options, observe(state, lease, now), lease, now);
  const { state: next, effects } = stepDownIfOverdue(options, seen, now);
  if (next.hasResigned) return { state: next, effects: clearing(options, lease, now) };
  if (next.leadership) {
    const own = lease ?? (next.observed && withoutVersion(next.observed.lease));
    if (own?.spec?.holderIdentity !== options.identity) return stepDown(next);
    return { state: next, effects: [{ type: 'write', lease: renewed(options, own, now) }] };
  }
  if (lease && isHeldByOther(options, next, now.monotonicMs)) return { state: next, effects };
  const write: Effect = { type: 'write', lease: acquired(options, lease, next.observed?.lease, now) };
  return { state: { ...next, predecessor: predecessorOf(options, next) }, effects: [...effects, write] };
}

/** A lease that is missing is about to be made; the answer may be lost. */
function withLeadsFrom(
  options: ElectionOptions,
  state: ElectionState,
  lease: Lease | undefined,
  now: Moment,
): ElectionState {
  if (!lease) return { ...state, leadsFrom: Number.POSITIVE_INFINITY };
  if (lease.spec?.holderIdentity !== options.identity) return { ...state, leadsFrom: undefined };
  return { ...state, leadsFrom: state.leadsFrom && soonest(state.leadsFrom, options, now) };
}

function soonest(leadsFrom: number, options: ElectionOptions, { monotonicMs }: Moment): number {
  return Math.min(leadsFrom, monotonicMs + options.leaseDurationMs);
}

function onWritten(
  options: ElectionOptions,
  state: ElectionState,
  { lease, startedAt }: Observation & { type: 'written' },
  now: Moment,
): ElectionStep {
  const observed = observe(state, lease, now);
  if (state.hasResigned) return { state: observed, effects: [] };
  const term = lease.spec?.leaseTransitions ?? 0;
  const leadsFrom = observed.leadsFrom && soonest(observed.leadsFrom, options, now);
  if (!state.leadership && leadsFrom !== undefined && now.monotonicMs < leadsFrom) {
    return { state: { ...observed, leadsFrom }, effects: [] };
  }
  const predecessor: Predecessor = leadsFrom === undefined ? state.predecessor : { type: 'expired', at: leadsFrom };
  const next: ElectionState = { ...observed, leadsFrom: undefined, leadership: { term, renewedAt: startedAt } };
  const isLate = now.monotonicMs >= startedAt + options.renewDeadlineMs;
  // An answer that took this long comes too late to lead on, whatever it says.
  if (isLate) return state.leadership ? stepDown(next) : { state: { ...next, leadership: undefined }, effects: [] };
  return {
    state: next,
    effects: state.leadership ? [] : [{ type: 'startLeading', term, predecessor }],
  };
}

/** The lease is read first: what we know of it may be old, and only our own may be cleared. */
function onResigned(state: ElectionState): ElectionStep {
  const { state: next, effects } = state.leadership ? stepDown(state) : { state, effects: [] };
  return { state: { ...next, hasResigned: true }, effects: [...effects, { type: 'read' }] };
}

/** Followers take a lease without holder as soon as they see it. */
function clearing(options: ElectionOptions, lease: Lease | undefined, now: Moment): readonly Effect[] {
  if (!lease || lease.spec?.holderIdentity !== options.identity) return [];
  const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now.wallMs) };
  return [{ type: 'write', lease: { ...lease, spec } }];
}

function stepDownIfOverdue(options: ElectionOptions, state: ElectionState, now: Moment): ElectionStep {
  const deadlineAt = renewDeadlineOf(options, state);
  return deadlineAt !== undefined && now.monotonicMs >= deadlineAt ? stepDown(state) : { state, effects: [] };
}

function stepDown(state: ElectionState): ElectionStep {
  return { state: { ...state, leadership: undefined, isFresh: false }, effects: [{ type: 'stopLeading' }] };
}

function observe(state: ElectionState, lease: Lease | undefined, now: Moment): ElectionState {
  if (!lease) return { ...state, isFresh: false };
  const isSame = state.observed && isSameClaim(state.observed.lease, lease);
  const observedAt = isSame && state.observed ? state.observed.observedAt : now.monotonicMs;
  return { ...state, observed: { lease, observedAt }, isFresh: true };
}

/** A change of labels or annotations is no renewal. */
function isSameClaim({ spec: a }: Lease, { spec: b }: Lease): boolean {
  return (
    a?.holderIdentity === b?.holderIdentity &&
    a?.renewTime === b?.renewTime &&
    a?.leaseTransitions === b?.leaseTransitions
  );
}

/** To be created anew. */
function withoutVersion({ spec }: Lease): Lease {
  return { metadata: { name: '' }, ...(spec && { spec }) };
}

function renewed(options: ElectionOptions, lease: Lease, now: Moment): Lease {
  const spec = { ...lease.spec, ...claim(options), renewTime: microTime(now.wallMs) };
  return { ...lease, spec };
}

/** `present` is the lease to replace, undefined to create one; `known` the last one seen, for the term to go on from. */
function acquired(options: ElectionOptions, present: Lease | undefined, known: Lease | undefined, now: Moment): Lease {
  const time = microTime(now.wallMs);
  const leaseTransitions = known?.spec?.holderIdentity === undefined ? 0 : (known.spec.leaseTransitions ?? 0) + 1;
  const spec = { ...present?.spec, ...claim(options), acquireTime: time, renewTime: time, leaseTransitions };
  return { ...(present ?? { metadata: { name: '' } }), spec };
}

function claim(options: ElectionOptions): { holderIdentity: string; leaseDurationSeconds: number } {
  return { holderIdentity: options.identity, leaseDurationSeconds: Math.ceil(options.leaseDurationMs / 1_000) };
}

/** Kubernetes' MicroTime. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
