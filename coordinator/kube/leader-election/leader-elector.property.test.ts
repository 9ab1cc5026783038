import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import { seededRandom } from '../../../common/random.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { ELECTION_DEFAULTS } from './election-options.ts';
import { LeaderElector } from './leader-elector.ts';
import { leaseLock } from './lease-lock.ts';
import { LeaseServer } from './lease-server.ts';

/** What callers keep back of `mayWriteUntil`; it covers the drift below. */
const FENCE_MARGIN_MS = 1_000;
const RUN_MS = 180_000;

const scenario = fc.record({
  seed: fc.integer(),
  lossShare: fc.constantFrom<number>(0, 0.1, 0.4),
  slowShare: fc.constantFrom<number>(0, 0.3),
  replicas: fc.array(
    fc.record({
      rate: fc.oneof(fc.constantFrom(0.955, 1.045), fc.double({ min: 0.955, max: 1.045, noNaN: true })),
      origin: fc.integer({ min: 0, max: 1e9 }),
    }),
    { minLength: 2, maxLength: 4 },
  ),
  outages: fc.array(fc.record({ at: fc.nat(RUN_MS), lastsMs: fc.nat(30_000) }), { maxLength: 4 }),
  /** Of whoever leads then. */
  freezes: fc.array(fc.record({ at: fc.nat(RUN_MS), lastsMs: fc.nat(30_000) }), { maxLength: 10 }),
  /** Of the lease, by somebody. */
  deletions: fc.array(fc.nat(RUN_MS), { maxLength: 6 }),
});

it('however clocks drift, messages and leases are lost and processes freeze, nobody leads while another may still write', () =>
  fc.assert(
    fc.asyncProperty(scenario, async plan => {
      await checkScenario(plan);
    }),
    { numRuns: 60 },
  ));

it('a leader is found in a network that works', () =>
  fc.assert(
    fc.asyncProperty(scenario, async plan => {
      const calm = { ...plan, lossShare: 0, slowShare: 0, outages: [], freezes: [], deletions: [] };
      expect(await checkScenario(calm)).toBe(1);
    }),
    { numRuns: 20 },
  ));

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** @returns how often somebody began to lead. */
async function checkScenario(plan: Scenario): Promise<number> {
  const world = new VirtualClock();
  const random = seededRandom(plan.seed);
  const server = new LeaseServer({ clock: world, random, lossShare: plan.lossShare, slowShare: plan.slowShare });
  const abort = new AbortController();
  let starts = 0;
  const violations: string[] = [];
  const replicas = plan.replicas.map(({ rate, origin }, index) => {
    const clock = new DriftingClock(world, rate, origin);
    const elector: LeaderElector = new LeaderElector({
      identity: `replica-${index}`,
      ...ELECTION_DEFAULTS,
      lock: leaseLock({ transport: clock.behind(server), namespace: 'system', name: 'lease' }),
      clock,
      random: seededRandom(plan.seed + index),
      onStartedLeading: () => {
        starts += 1;
        const other = replicas.find(({ claimedUntil }, at) => at !== index && claimedUntil >= world.now());
        if (other) violations.push(`${index} leads at ${world.now()}, another may write until ${other.claimedUntil}`);
      },
      onStoppedLeading: () => undefined,
      onFollowed: () => undefined,
      onError: () => undefined,
    });
    const replica = { clock, elector, claimedUntil: Number.NEGATIVE_INFINITY };
    // A write may start at any moment, so each moment's claim counts to its end.
    clock.onActivity = () => {
      replica.claimedUntil = Math.max(replica.claimedUntil, clock.toWorld(elector.mayWriteUntil() - FENCE_MARGIN_MS));
    };
    void elector.run(abort.signal);
    return replica;
  });
  for (const { at, lastsMs } of plan.outages) {
    world.schedule(at, () => {
      server.isReachable = false;
    });
    world.schedule(at + lastsMs, () => {
      server.isReachable = true;
    });
  }
  for (const { at, lastsMs } of plan.freezes) {
    world.schedule(at, () => replicas.find(({ elector }) => elector.isLeading)?.clock.freeze(lastsMs));
  }
  for (const at of plan.deletions) {
    world.schedule(at, () => {
      server.lease = undefined;
    });
  }
  await world.advance(RUN_MS);
  abort.abort(new Error('over'));
  await world.advance(60_000);
  expect(violations).toEqual([]);
  return starts;
}

/** A machine's clock that runs at its own rate from its own origin, and stands still for its process in a freeze. */
class DriftingClock implements Clock {
  onActivity: () => void = () => undefined;
  readonly #world: VirtualClock;
  readonly #rate: number;
  readonly #origin: number;
  #frozenUntil = 0;

  constructor(world: VirtualClock, rate: number, origin: number) {
    this.#world = world;
    this.#rate = rate;
    this.#origin = origin;
  }

  now(): number {
    return this.#origin + this.#world.now() * this.#rate;
  }

  wallNow(): number {
    return this.#world.wallNow() + this.#origin;
  }

  toWorld(time: number): number {
    return (time - this.#origin) / this.#rate;
  }

  schedule(delayMs: number, callback: () => void) {
    return this.#world.schedule(delayMs / this.#rate, () => this.#whenAwake(callback));
  }

  freeze(durationMs: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#world.now() + durationMs);
  }

  /** The process's view of a server: answers, too, arrive only while it is awake. */
  behind(server: LeaseServer): LeaseServer {
    const request: LeaseServer['request'] = async (...parameters) => {
      const [outcome] = await Promise.allSettled([server.request(...parameters)]);
      await new Promise<void>(resolve => this.#whenAwake(resolve));
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    };
    return Object.create(server, { request: { value: request } }) as LeaseServer;
  }

  #whenAwake(callback: () => void): void {
    const run = () => {
      this.onActivity();
      callback();
      // Once the continuations of the callback have run.
      this.#world.schedule(0, this.onActivity);
    };
    const sleepMs = this.#frozenUntil - this.#world.now();
    if (sleepMs > 0) this.#world.schedule(sleepMs, run);
    else run();
  }
}
