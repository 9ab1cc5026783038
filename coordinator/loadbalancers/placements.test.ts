import { describe, expect, test } from 'vitest';
import type { Listener } from '../cloud/types.ts';
import { loadBalancer } from '../lanes/fake-cloud.ts';
import type { LoadBalancerState, PreviousLoadBalancer } from './load-balancer-state.ts';
import { LINGER_MS, type PlacementFacts, placementsOf, SWITCH_MS } from './placements.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { ServiceIntent } from './service-intent.ts';

const NOW = 1_000_000;
const FACTS: PlacementFacts = {
  now: NOW,
  servingSince: undefined,
  remaining: () => undefined,
  listeners: () => [],
  policy: { existing: 'any', clusterName: 'prod' },
};
const SERVING = { ...FACTS, servingSince: NOW - LINGER_MS };
const FOREIGN: Listener = {
  id: 'lbl-f',
  name: 'by hand',
  protocol: 'TCP',
  port: 81,
  healthCheck: true,
  forwardingRules: [],
};

/** Wants lb-new, which is in the record beside lb-old. */
const MOVING = serviceIntent({ loadBalancer: { kind: 'existing', id: 'lb-new' }, recorded: ['lb-old', 'lb-new'] });
const LEAVING = serviceIntent({ leaving: true, recorded: ['lb-old'] });
const RELEASED: LoadBalancerState = { kind: 'released' };

function ready(id: string, since = NOW): LoadBalancerState {
  return { kind: 'ready', loadBalancer: loadBalancer({ id }), since };
}

function old(fields: Partial<PreviousLoadBalancer> = {}): PreviousLoadBalancer {
  const found = { kind: 'ready', loadBalancer: loadBalancer({ id: 'lb-old' }), refusal: undefined } as const;
  return { id: 'lb-old', isOurs: false, isShared: false, state: { ...found, mayBeDeleted: true }, ...fields };
}

function placed(
  intent: ServiceIntent,
  wanted: LoadBalancerState,
  rest: { previous?: readonly PreviousLoadBalancer[]; facts?: PlacementFacts } = {},
) {
  const found = placementsOf({ intent, wanted, previous: rest.previous ?? [], facts: rest.facts ?? FACTS });
  const roles = found.placements.map(({ loadBalancer: { id }, role }) => `${id} ${role}`);
  return { ...found, roles, codes: found.problems.map(({ code }) => code) };
}

describe('the wanted load balancer', () => {
  test('is recorded before anything is made there', () => {
    const unrecorded = serviceIntent({ loadBalancer: { kind: 'existing', id: 'lb-new' } });
    expect(placed(unrecorded, ready('lb-new'))).toMatchObject({
      placements: [{ role: 'wanted', mayMake: false }],
      toRecord: ['lb-new'],
      status: undefined,
    });
    expect(placed({ ...unrecorded, recorded: ['lb-new'] }, ready('lb-new'))).toMatchObject({
      placements: [{ role: 'wanted', mayMake: true }],
      toRecord: [],
      status: { id: 'lb-new' },
    });
  });

  test('holds nothing while somebody else may still let the Service go', () => {
    const { placements } = placed({ ...MOVING, held: false }, ready('lb-new'));
    expect(placements).toMatchObject([{ mayMake: false }]);
  });

  test.each<[string, LoadBalancerState, boolean]>([
    ['is looked for', { kind: 'pending' }, false],
    ['could not be looked at', { kind: 'failed', absent: false, problem: problem('CD2040') }, false],
    ['does not exist', { kind: 'failed', absent: true, problem: problem('CD1004') }, true],
    ['is being made', { kind: 'creating' }, true],
  ])('that %s is no place; whether the Service may hold something unseen is told', (_, wanted, isComplete) => {
    const { roles, isComplete: told, codes } = placed(MOVING, wanted);
    expect(roles).toEqual([]);
    expect(told).toBe(isComplete);
    expect(codes).toEqual(wanted.kind === 'failed' ? [wanted.problem.code] : []);
  });
});

describe('permission', () => {
  const policy = { existing: 'tagged', clusterName: 'prod' } as const;

  test('is needed for an existing load balancer when the flag says so; without it nothing is made there', () => {
    const { placements, codes, status } = placed(MOVING, ready('lb-new'), { facts: { ...FACTS, policy } });
    expect(placements).toMatchObject([{ role: 'wanted', mayMake: false, denial: { code: 'CD1008' } }]);
    expect(codes).toEqual(['CD1008']);
    expect(status).toBeUndefined();
  });

  test('is given by the tag', () => {
    const found = loadBalancer({ id: 'lb-new', tags: { 'clb-direct-allow': 'prod/default' } });
    const wanted: LoadBalancerState = { kind: 'ready', loadBalancer: found, since: NOW };
    expect(placed(MOVING, wanted, { facts: { ...FACTS, policy } })).toMatchObject({
      placements: [{ mayMake: true }],
      codes: [],
    });
  });

  test('is not needed for one that we made, nor by default', () => {
    const created = serviceIntent({ recorded: ['lb-new'] });
    expect(placed(created, ready('lb-new'), { facts: { ...FACTS, policy } }).codes).toEqual([]);
    expect(placed(MOVING, ready('lb-new')).codes).toEqual([]);
  });

  test('that is missing never moves a Service away from where it is served', () => {
    const facts = { ...SERVING, policy, now: NOW + 10 * SWITCH_MS };
    expect(placed(MOVING, ready('lb-new'), { previous: [old()], facts }).roles).toEqual([
      'lb-new wanted',
      'lb-old kept',
    ]);
  });
});

describe('a load balancer that is no longer wanted', () => {
  const previous = [old()];

  test('serves on, and keeps the status, until the wanted one has taken over', () => {
    const before = placed(MOVING, ready('lb-new'), { previous });
    expect(before.roles).toEqual(['lb-new wanted', 'lb-old kept']);
    expect(before.status).toBeUndefined();
    const after = placed(MOVING, ready('lb-new'), { previous, facts: SERVING });
    expect(after.roles).toEqual(['lb-new wanted', 'lb-old retiring']);
    expect(after.status?.id).toBe('lb-new');
  });

  test('serves on a while after the status tells of the wanted one, for clients that remember its address', () => {
    const facts = { ...FACTS, servingSince: NOW - LINGER_MS + 1 };
    const found = placed(MOVING, ready('lb-new'), { previous, facts });
    expect(found.roles).toEqual(['lb-new wanted', 'lb-old kept']);
    expect(found.status?.id).toBe('lb-new');
  });

  test('serves on for the switch time at most, counted from when the wanted one was there', () => {
    const facts = { ...FACTS, now: NOW + SWITCH_MS };
    expect(placed(MOVING, ready('lb-new', NOW + 1), { previous, facts }).roles).toContain('lb-old kept');
    expect(placed(MOVING, ready('lb-new', NOW), { previous, facts }).roles).toContain('lb-old retiring');
  });

  test('serves on however long the wanted one does not exist: a mistyped id strands nobody', () => {
    const wanted: LoadBalancerState = { kind: 'failed', absent: true, problem: problem('CD1004') };
    const facts = { ...SERVING, now: NOW + 10 * SWITCH_MS };
    expect(placed(MOVING, wanted, { previous, facts }).roles).toEqual(['lb-old kept']);
  });

  test('leaves the record when nothing of the Service is on it, not while that is unknown', () => {
    const at = (remaining: number | undefined) =>
      placed(MOVING, ready('lb-new'), { previous, facts: { ...SERVING, remaining: () => remaining } });
    expect(at(undefined).toForget).toEqual([]);
    expect(at(2).toForget).toEqual([]);
    expect(at(0)).toMatchObject({ toForget: ['lb-old'], toDelete: [] });
  });

  test('leaves the record when it is gone', () => {
    const gone = placed(MOVING, ready('lb-new'), { previous: [old({ state: { kind: 'gone' } })] });
    expect(gone).toMatchObject({ toForget: ['lb-old'], roles: ['lb-new wanted'], status: { id: 'lb-new' } });
  });

  test('may hold something while it was not looked at', () => {
    expect(placed(MOVING, ready('lb-new'), { previous: [old({ state: { kind: 'pending' } })] })).toMatchObject({
      isComplete: false,
      toForget: [],
    });
  });
});

describe('a load balancer that we made', () => {
  const empty = { ...SERVING, remaining: () => 0 };
  const ours = old({ isOurs: true });

  test('is deleted when nothing is left on it, and leaves the record when it is gone', () => {
    const going = placed(LEAVING, RELEASED, { previous: [ours], facts: empty });
    expect(going).toMatchObject({ toDelete: ['lb-old'], toForget: [], isReleased: false });
    const deleting = placed(LEAVING, RELEASED, { previous: [old({ isOurs: true, state: { kind: 'deleting' } })] });
    expect(deleting).toMatchObject({ roles: [], toDelete: [], isReleased: false });
    const gone = placed(LEAVING, RELEASED, { previous: [old({ state: { kind: 'gone' } })] });
    expect(gone).toMatchObject({ toForget: ['lb-old'], isReleased: true });
  });

  test('is kept, and that is told, while somebody has a listener on it (L6)', () => {
    const facts = { ...empty, listeners: () => [FOREIGN] };
    expect(placed(LEAVING, RELEASED, { previous: [ours], facts })).toMatchObject({
      roles: ['lb-old retiring'],
      toDelete: [],
      codes: ['CD1007'],
      isReleased: false,
    });
  });

  test('is kept while another Service names it', () => {
    const previous = [old({ isOurs: true, isShared: true })];
    expect(placed(LEAVING, RELEASED, { previous, facts: empty })).toMatchObject({ toDelete: [], codes: ['CD1007'] });
  });

  test('is kept while its deletion protection is on, which we never switch off', () => {
    const found = loadBalancer({ id: 'lb-old', deleteProtected: true });
    const state = { kind: 'ready', loadBalancer: found, refusal: undefined, mayBeDeleted: true } as const;
    const previous = [old({ isOurs: true, state })];
    expect(placed(LEAVING, RELEASED, { previous, facts: empty })).toMatchObject({ toDelete: [], codes: ['CD1010'] });
  });

  test('and that CLB guards is told with its code, and asked for again only after a while', () => {
    const refused = (mayBeDeleted: boolean) => {
      const refusal = problem('CD2021');
      const state = { kind: 'ready', loadBalancer: loadBalancer({ id: 'lb-old' }), refusal, mayBeDeleted } as const;
      return placed(LEAVING, RELEASED, { previous: [old({ isOurs: true, state })], facts: empty });
    };
    expect(refused(false)).toMatchObject({ toDelete: [], codes: ['CD2021'], isReleased: false });
    expect(refused(true)).toMatchObject({ toDelete: ['lb-old'], codes: ['CD2021'] });
  });
});

describe('a Service that leaves', () => {
  test('has nothing wanted, and all that it has retires at once', () => {
    expect(placed(LEAVING, RELEASED, { previous: [old()] })).toMatchObject({
      roles: ['lb-old retiring'],
      toRecord: [],
      status: undefined,
      isReleased: false,
    });
  });

  test('is released when nothing is left anywhere, not while something may show yet', () => {
    const facts = { ...FACTS, remaining: () => 0 };
    expect(placed(LEAVING, RELEASED, { previous: [old()], facts }).isReleased).toBe(true);
    expect(placed(LEAVING, { kind: 'pending' }, { previous: [old()], facts }).isReleased).toBe(false);
    expect(placed(LEAVING, RELEASED).isReleased).toBe(true);
  });
});

function problem(code: string) {
  return { code, reason: 'Test', message: 'in a test' };
}
