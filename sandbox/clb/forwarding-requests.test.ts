import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { RequestFacts } from './forwarder.ts';
import { DELAY_MAX_MS, LayerSevenFixture, ruleCreated, targetChange } from './forwarding.fixture.ts';
import type { ClientConnection, RequestTurn } from './forwarding.ts';
import { type Change, targetKey } from './state.ts';

const ENDPOINT = { vip: '127.100.0.1', port: 80, protocol: 'HTTP' } as const;
const LOCATION = 'loc-00000001';
const REQUEST: RequestFacts = { host: 'www.example.com', path: '/' };
const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;

async function started(changes: readonly Change[], forwarders = 1) {
  const clock = new VirtualClock();
  const clb = new LayerSevenFixture(clock, ENDPOINT, forwarders);
  clb.follow(clb.listenerCreated, ruleCreated(LOCATION), ...changes);
  await clock.advance(DELAY_MAX_MS);
  return {
    clb,
    clock,
    connected: () => clb.forwarding.accept(ENDPOINT) ?? expect.unreachable('the listener is known'),
    async follow(...more: readonly Change[]) {
      clb.follow(...more);
      await clock.advance(DELAY_MAX_MS);
    },
  };
}

function bound(...addresses: readonly string[]): Change[] {
  return addresses.map(address => targetChange('target-registered', LOCATION, { address }));
}

const ignore = (): void => undefined;

/** The addresses that a number of requests, one after another, are sent to; or why they are not. */
function sent(connection: ClientConnection, times: number, request = REQUEST): string[] {
  return Array.from({ length: times }, () => {
    const turn = connection.request(request, ignore);
    if (turn.kind !== 'target') return turn.kind;
    turn.close();
    return turn.target.address;
  });
}

function turnOf(connection: ClientConnection, request = REQUEST, onCut = ignore): RequestTurn {
  const turn = connection.request(request, onCut);
  return turn.kind === 'target' ? turn : expect.unreachable(turn.kind);
}

function failsToReach(connection: ClientConnection, address: string, times: number): void {
  for (let failures = 0; failures < times; ) {
    const turn = turnOf(connection);
    const reached = turn.target.address !== address;
    turn.note({ reached });
    turn.close();
    if (!reached) failures += 1;
  }
}

describe('requests', () => {
  it('are shared by weight among the targets of their rule', async () => {
    const { connected } = await started([
      targetChange('target-registered', LOCATION, { address: A, weight: 30 }),
      targetChange('target-registered', LOCATION, { address: B, weight: 10 }),
    ]);
    const addresses = sent(connected(), 40);
    expect(addresses.filter(address => address === A)).toHaveLength(30);
  });

  it('never go to weight 0, on connections that are older, too', async () => {
    const { connected, follow } = await started(bound(A, B));
    const connection = connected();
    expect(new Set(sent(connection, 4))).toEqual(new Set([A, B]));
    await follow(targetChange('target-reweighted', LOCATION, { address: A, weight: 0 }));
    expect(new Set(sent(connection, 4))).toEqual(new Set([B]));
  });

  it('go to all targets when all are unhealthy, and to healthy ones otherwise', async () => {
    const { clb, connected } = await started(bound(A, B));
    clb.sick(LOCATION, A);
    expect(new Set(sent(connected(), 4))).toEqual(new Set([B]));
    clb.sick(LOCATION, B);
    expect(new Set(sent(connected(), 4))).toEqual(new Set([A, B]));
  });

  it.each<[string, readonly Change[], string]>([
    ['without a target', [], 'no-target'],
    ['without a rule', [ruleDeleted()], 'no-rule'],
  ])('%s are told so', async (_, changes, expected) => {
    const { connected } = await started(changes);
    expect(sent(connected(), 1)).toEqual([expected]);
  });

  it('of a connection whose listener was deleted are told so, and new connections refused', async () => {
    const { clb, connected, follow } = await started(bound(A));
    const connection = connected();
    await follow(clb.listenerDeleted);
    expect(sent(connection, 1)).toEqual(['no-listener']);
    expect(clb.forwarding.accept(ENDPOINT)).toBeUndefined();
  });

  it('follow a modified rule', async () => {
    const { connected, follow } = await started(bound(A));
    const modified = { ...ruleCreated(LOCATION, { url: '/api' }), kind: 'rule-modified' } as Change;
    await follow(modified);
    expect(sent(connected(), 1)).toEqual(['no-rule']);
    expect(sent(connected(), 1, { ...REQUEST, path: '/api/x' })).toEqual([A]);
  });

  it('stay with the forwarder of their connection, which follows the API in its own time', async () => {
    const { clb, clock, connected } = await started(bound(A), 2);
    const connections = Array.from({ length: 20 }, connected);
    clb.follow(targetChange('target-reweighted', LOCATION, { address: A, weight: 0 }));
    const outcomes = new Set<string>();
    for (let step = 0; step < 20; step += 1) {
      await clock.advance(DELAY_MAX_MS / 20);
      const seen = connections.map(connection => `${connection.forwarder} ${sent(connection, 1)[0]}`);
      outcomes.add([...new Set(seen)].sort().join(', '));
    }
    expect(outcomes).toContain('0 no-target, 1 no-target');
    expect([...outcomes].some(outcome => outcome.includes(A) && outcome.includes('no-target'))).toBe(true);
  });
});

describe('a deregistered target', () => {
  it('loses the requests under way, of its own rule alone, and the journal counts them', async () => {
    const other = 'loc-00000002';
    const { clb, connected, follow } = await started([
      ...bound(A),
      ruleCreated(other, { url: '/other' }),
      targetChange('target-registered', other, { address: A }),
    ]);
    let cuts = 0;
    turnOf(connected(), REQUEST, () => cuts++);
    turnOf(connected(), REQUEST, () => expect.unreachable('it has ended')).close();
    turnOf(connected(), { ...REQUEST, path: '/other' }, () => expect.unreachable('it is of another rule'));
    await follow(targetChange('target-deregistered', LOCATION, { address: A }));
    expect(cuts).toBe(1);
    const { locationId, liveConnections, openedConnections } = clb.forwarded().at(-1) ?? {};
    expect({ locationId, liveConnections, openedConnections }).toEqual({
      locationId: LOCATION,
      liveConnections: 1,
      openedConnections: 2,
    });
    expect(clb.forwarding.view()).toEqual([
      {
        weights: {
          [`lbl-00000001 ${LOCATION}`]: {},
          [`lbl-00000001 ${other}`]: { '10.0.0.1:8080': 10 },
        },
        liveConnections: { [`lbl-00000001 ${other} 10.0.0.1:8080`]: 1 },
      },
    ]);
  });
});

describe('a target that cannot be reached', () => {
  it('is not chosen again for the same request', async () => {
    const { connected } = await started(bound(A, B, C));
    const except = new Set([targetKey({ address: B, port: 8080 })]);
    expect(new Set(sent(connected(), 12, { ...REQUEST, except }))).toEqual(new Set([A, C]));
    const all = new Set([A, B, C].map(address => targetKey({ address, port: 8080 })));
    expect(sent(connected(), 1, { ...REQUEST, except: all })).toEqual(['no-target']);
  });

  it('is left out for ten seconds after three failures in a row', async () => {
    const { clock, connected } = await started(bound(A, B));
    const connection = connected();
    failsToReach(connection, A, 2);
    expect(new Set(sent(connection, 4))).toEqual(new Set([A, B]));
    failsToReach(connection, A, 1);
    expect(new Set(sent(connection, 4))).toEqual(new Set([B]));
    await clock.advance(9_999);
    expect(new Set(sent(connection, 4))).toEqual(new Set([B]));
    await clock.advance(1);
    expect(new Set(sent(connection, 4))).toEqual(new Set([A, B]));
  });

  it('is not left out when it was reached in between', async () => {
    const { connected } = await started(bound(A, B));
    const connection = connected();
    failsToReach(connection, A, 2);
    const turns = [turnOf(connection), turnOf(connection)];
    for (const turn of turns) turn.note({ reached: true });
    failsToReach(connection, A, 2);
    expect(new Set(sent(connection, 4))).toEqual(new Set([A, B]));
  });

  it('still gets requests when all are left out', async () => {
    const { connected } = await started(bound(A));
    const connection = connected();
    failsToReach(connection, A, 3);
    expect(sent(connection, 1)).toEqual([A]);
  });
});

describe('sessions of a rule', () => {
  const withSessions = [ruleCreated(LOCATION, { sessionExpireSeconds: 60 }), ...bound(A, B)];

  it('lead to their target, at weight 0 too, but not once it has failed', async () => {
    const { clb, connected, follow } = await started(withSessions);
    const { session, target, ...turn } = turnOf(connected());
    turn.close();
    const request = { ...REQUEST, session };
    expect(new Set(sent(connected(), 4, request))).toEqual(new Set([target.address]));
    await follow(targetChange('target-reweighted', LOCATION, { address: target.address, weight: 0 }));
    expect(new Set(sent(connected(), 4, request))).toEqual(new Set([target.address]));
    clb.sick(LOCATION, target.address);
    expect(sent(connected(), 4, request)).not.toContain(target.address);
  });

  it('mean nothing to a rule without them', async () => {
    const { connected } = await started(bound(A, B));
    expect(turnOf(connected()).session).toBeUndefined();
    expect(new Set(sent(connected(), 4, { ...REQUEST, session: '10.0.0.1:8080' }))).toEqual(new Set([A, B]));
  });
});

it('whatever happens to targets, a request only goes to one that is bound and open, and every turn ends once', async () => {
  const address = fc.constantFrom(A, B, C);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('weigh' as const), address, weight: fc.constantFrom(0, 1, 10) }),
    fc.record({ kind: fc.constant('unbind' as const), address }),
    fc.record({ kind: fc.constant('request' as const), reached: fc.boolean() }),
    fc.record({ kind: fc.constant('close' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const { connected, follow, clb } = await started([]);
      const connection = connected();
      const weights = new Map<string, number>();
      const live = new Set<{ address: string; turn: RequestTurn }>();
      for (const next of steps) {
        if (next.kind === 'weigh') {
          const kind = weights.has(next.address) ? 'target-reweighted' : 'target-registered';
          weights.set(next.address, next.weight);
          const { address: at, weight } = next;
          await follow(targetChange(kind, LOCATION, { address: at, weight }));
        } else if (next.kind === 'unbind' && weights.delete(next.address)) {
          await follow(targetChange('target-deregistered', LOCATION, { address: next.address }));
          expect([...live].some(({ address: at }) => at === next.address)).toBe(false);
        } else if (next.kind === 'request') {
          const turn = connection.request(REQUEST, () => live.delete(entry));
          if (turn.kind !== 'target') {
            expect([...weights.values()].some(weight => weight > 0)).toBe(false);
            continue;
          }
          const entry = { address: turn.target.address, turn };
          expect(weights.get(entry.address)).toBeGreaterThan(0);
          turn.note({ reached: next.reached });
          if (next.reached) live.add(entry);
        } else {
          for (const { turn } of live) turn.close();
          live.clear();
        }
        const counted = Object.values(clb.forwarding.view()[0]?.liveConnections as Record<string, number>);
        expect(counted.reduce((sum, count) => sum + count, 0)).toBe(live.size);
      }
    }),
    { numRuns: 60 },
  );
});

function ruleDeleted(): Change {
  return { kind: 'rule-deleted', loadBalancerId: 'lb-00000001', listenerId: 'lbl-00000001', locationId: LOCATION };
}
