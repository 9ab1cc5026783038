import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../common/kube/objects.ts';
import { ELECTION_DEFAULTS, type ElectionOptions, validateElectionOptions } from './election-options.ts';
import { type ElectionState, electionStep, INITIAL_ELECTION_STATE, type Observation } from './election-step.ts';

const options: ElectionOptions = { identity: 'me', ...ELECTION_DEFAULTS };
const NOW = 100_000;
const follower = INITIAL_ELECTION_STATE;

describe('a follower', () => {
  it('reads the lease at each tick', () => {
    expect(step(follower, { type: 'tick' }).effects).toEqual([{ type: 'read' }]);
  });

  it('creates a lease that is missing, and leads once it has held it for as long as somebody else might have', () => {
    const { state, effects } = step(follower, { type: 'read', lease: undefined });
    expect(effects).toMatchObject([{ type: 'write', lease: { spec: { holderIdentity: 'me', leaseTransitions: 0 } } }]);
    const written = { type: 'written', lease: leaseOf('me'), startedAt: NOW } as const;
    const holding = step(state, written);
    expect(holding).toMatchObject({ effects: [], state: { leadsFrom: NOW + 10_000, leadership: undefined } });
    expect(step({ ...holding.state, leadsFrom: NOW + 1 }, written).effects).toEqual([]);
    expect(step({ ...holding.state, leadsFrom: NOW }, written).effects).toEqual([
      { type: 'startLeading', term: 3, predecessor: { type: 'expired', at: NOW } },
    ]);
  });

  it('counts from when it sees that it made the lease, if the answer was lost', () => {
    const { state } = step(follower, { type: 'read', lease: undefined });
    const { state: seeing } = step(step(state, { type: 'failed' }).state, { type: 'read', lease: leaseOf('me') });
    expect(seeing.leadsFrom).toBe(NOW + 10_000);
  });

  it('leads by a lease of another that it takes after making one in vain', () => {
    const { state } = step(
      { ...seen('other', 10_000), leadsFrom: NOW + 5_000 },
      { type: 'read', lease: leaseOf('other') },
    );
    expect(state.leadsFrom).toBeUndefined();
  });

  it.each([
    ['waits while another holder renews', seen('other', 0), leaseOf('other', 5), 0],
    [
      'waits a full duration after it first saw the lease, however old its timestamps are',
      follower,
      leaseOf('other'),
      0,
    ],
    ['waits until the duration since the last change has passed', seen('other', 9_999), leaseOf('other'), 0],
    ['takes the lease when it has not changed for its duration', seen('other', 10_000), leaseOf('other'), 1],
    ['takes a released lease at once', seen('other', 0), leaseOf(''), 1],
    [
      'takes the lease of a holder proven dead at once',
      { ...seen('other', 0), deadHolder: { identity: 'other', at: NOW } },
      leaseOf('other'),
      1,
    ],
    [
      'waits though an earlier holder is proven dead',
      { ...seen('other', 0), deadHolder: { identity: 'gone', at: NOW } },
      leaseOf('other'),
      0,
    ],
  ] as const)('%s', (_title, state, lease, writes) => {
    expect(step(state, { type: 'read', lease }).effects.filter(({ type }) => type === 'write')).toHaveLength(writes);
  });

  it('waits as long as the holder declared, not as long as it would itself', () => {
    const lease = leaseOf('other');
    const longer = { ...lease, spec: { ...lease.spec, leaseDurationSeconds: 30 } };
    const state = { ...follower, observed: { lease: longer, observedAt: NOW - 29_999 } };
    expect(step(state, { type: 'read', lease: longer }).effects).toEqual([]);
  });

  it('does not take a change of annotations for a renewal', () => {
    const lease = leaseOf('other');
    const annotated = { ...lease, metadata: { ...lease.metadata, resourceVersion: '99', annotations: { a: 'b' } } };
    expect(step(seen('other', 10_000), { type: 'read', lease: annotated }).effects).toMatchObject([{ type: 'write' }]);
  });

  it('begins a new term with the version it read', () => {
    const { effects } = step(seen('other', 10_000), { type: 'read', lease: leaseOf('other') });
    expect(effects).toMatchObject([
      { lease: { metadata: { resourceVersion: '7' }, spec: { leaseTransitions: 4, leaseDurationSeconds: 10 } } },
    ]);
  });

  it('leads once its write was accepted, from the start of that write', () => {
    const written = { type: 'written', lease: leaseOf('me'), startedAt: NOW - 400 } as const;
    const { state, effects } = step(follower, written);
    expect(effects).toEqual([{ type: 'startLeading', term: 3, predecessor: { type: 'none' } }]);
    expect(state.leadership).toEqual({ term: 3, renewedAt: NOW - 400 });
  });

  it.each([
    ['ran out', seen('other', 10_000), { type: 'expired', at: NOW }],
    [
      'belonged to a holder proven dead',
      { ...seen('other', 2_000), deadHolder: { identity: 'other', at: NOW - 5 } },
      { type: 'dead', at: NOW - 5 },
    ],
    ['was released', seen('', 0), { type: 'none' }],
  ] as const)('tells when it leads by a lease that %s', (_, state, predecessor) => {
    const taking = step(state, { type: 'read', lease: state.observed?.lease });
    const written = { type: 'written', lease: leaseOf('me'), startedAt: NOW } as const;
    expect(step(taking.state, written).effects).toEqual([{ type: 'startLeading', term: 3, predecessor }]);
  });

  it('does not lead on an answer that took longer than the renew deadline', () => {
    const written = { type: 'written', lease: leaseOf('me'), startedAt: NOW - 7_000 } as const;
    expect(step(follower, written)).toMatchObject({ effects: [], state: { leadership: undefined } });
  });
});

describe('a leader', () => {
  it('renews without reading first', () => {
    const { effects } = step(leading(1_000), { type: 'tick' });
    expect(effects).toMatchObject([{ type: 'write', lease: { spec: { holderIdentity: 'me', leaseTransitions: 3 } } }]);
  });

  it('reads again after a failure, since its write may have been done', () => {
    const { state, effects } = step(leading(1_000), { type: 'failed' });
    expect(effects).toEqual([]);
    expect(step(state, { type: 'tick' }).effects).toEqual([{ type: 'read' }]);
  });

  it.each([
    ['another holder', leaseOf('other')],
    ['no holder', leaseOf('')],
  ])('stops at once when it reads %s', (_what, lease) => {
    const { state, effects } = step(leading(1_000), { type: 'read', lease });
    expect(effects).toEqual([{ type: 'stopLeading' }]);
    expect(state.leadership).toBeUndefined();
  });

  it('makes a lease again that was deleted, and goes on', () => {
    const { state, effects } = step(leading(1_000), { type: 'read', lease: undefined });
    expect(effects).toMatchObject([{ type: 'write', lease: { spec: { holderIdentity: 'me', leaseTransitions: 3 } } }]);
    expect(effects).not.toMatchObject([{ lease: { metadata: { resourceVersion: '7' } } }]);
    expect(state.leadership).toBeDefined();
  });

  it.each(['tick', 'failed'] as const)('stops when the renew deadline has passed, seen at a %s', type => {
    expect(step(leading(6_999), { type }).effects).not.toContainEqual({ type: 'stopLeading' });
    expect(step(leading(7_000), { type }).effects).toContainEqual({ type: 'stopLeading' });
  });

  it('stops when it resigns, and clears the lease if it is still its own', () => {
    const { state, effects } = step(leading(0), { type: 'resigned' });
    expect(effects).toEqual([{ type: 'stopLeading' }, { type: 'read' }]);
    expect(step(state, { type: 'read', lease: leaseOf('me') }).effects).toMatchObject([
      { type: 'write', lease: { metadata: { resourceVersion: '7' }, spec: { holderIdentity: '' } } },
    ]);
    expect(step(state, { type: 'read', lease: leaseOf('other') }).effects).toEqual([]);
  });

  it('never leads again after it resigned', () => {
    const { state } = step(leading(0), { type: 'resigned' });
    expect(step(state, { type: 'tick' }).effects).toEqual([]);
    expect(step(state, { type: 'written', lease: leaseOf('me'), startedAt: NOW }).state.leadership).toBeUndefined();
  });
});

describe('options', () => {
  it.each([
    ['an empty identity', { identity: '' }, /identity/],
    ['a lease no longer than the renew deadline', { leaseDurationMs: 7_000 }, /leaseDurationMs 7000 must be greater/],
    ['a renew deadline within the jitter of a retry', { retryPeriodMs: 6_000 }, /renewDeadlineMs 7000 must be greater/],
    ['no retry period', { retryPeriodMs: 0 }, /retryPeriodMs must be positive/],
    ['a duration that is no number', { leaseDurationMs: Number.NaN }, /leaseDurationMs must be 1000 or more/],
  ])('with %s are refused', (_what, change, message) => {
    expect(() => validateElectionOptions({ ...options, ...change })).toThrow(message);
  });

  it('with the default durations fit together', () => {
    expect(() => validateElectionOptions(options)).not.toThrow();
  });
});

function step(state: ElectionState, observation: Observation) {
  return electionStep(options, state, observation, { monotonicMs: NOW, wallMs: 1_767_225_600_000 });
}

function leaseOf(holderIdentity: string, renewal = 0): Lease {
  return {
    metadata: { name: 'lease', namespace: 'system', resourceVersion: '7' },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 10,
      leaseTransitions: 3,
      renewTime: `2001-01-01T00:00:0${renewal}.000000Z`,
    },
  };
}

/** A follower that saw the last change of the lease `agoMs` ago. */
function seen(holderIdentity: string, agoMs: number): ElectionState {
  return { ...follower, observed: { lease: leaseOf(holderIdentity), observedAt: NOW - agoMs }, isFresh: true };
}

/** A leader whose last successful renewal began `agoMs` ago. */
function leading(agoMs: number): ElectionState {
  return { ...seen('me', agoMs), leadership: { term: 3, renewedAt: NOW - agoMs } };
}
