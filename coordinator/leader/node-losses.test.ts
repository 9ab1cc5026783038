import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Node } from '../../common/kube/objects.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { API_SERVER } from '../core/node-reports.ts';
import { podRecord } from '../core/pod.fixture.ts';
import { Knowledge } from '../knowledge.ts';
import { nodeRecord } from '../kube/node-reflector.ts';
import type { ProbeOutcome, ProbeTarget } from '../reports/probe.ts';
import { NodeLosses } from './node-losses.ts';

const HEARTBEAT_MS = 3_000;
/** Two heartbeats are missed, neighbours try for a second, and looks are half a second apart. */
const FOUND_WITHIN_MS = 9_000;
const OPENED = { agentPodUid: 'u', agentPodName: 'p', epoch: 'e', agentVersion: '', startedAtMs: 0 };

/** Machines, each with an agent and a Pod, as a leader sees them. */
class Stand {
  readonly clock = new VirtualClock();
  readonly knowledge = new Knowledge();
  readonly changes: string[] = [];
  readonly names: readonly string[];
  /** Machines without power. */
  readonly dark = new Set<string>();
  /** Nodes that their neighbours do not reach, though they run. */
  readonly unreachable = new Set<string>();
  /** Nodes whose agents the leader does not hear. */
  readonly mute = new Set<string>();
  probes = 0;
  losses: NodeLosses;
  #stop = new AbortController();
  #running: Promise<void>;

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
    const items = new Map(this.names.map(name => [name, nodeRecord(nodeObject(name))]));
    this.knowledge.applyNodes({ type: 'replaced', items, resourceVersion: '1' }, 0);
    for (const node of this.names) this.#connect(node);
    this.#beat();
    this.losses = this.#lead();
    this.#running = this.losses.run(this.#stop.signal);
  }

  #lead(): NodeLosses {
    return new NodeLosses({
      clock: this.clock,
      random: seededRandom(1),
      log: silentLogger,
      knowledge: this.knowledge,
      ports: { probe: (from, target, signal) => this.#probe(from, target, signal) },
      targetOn: node => ({ address: node, port: 80 }),
      onChange: node => this.changes.push(node),
    });
  }

  #connect(node: string): void {
    this.knowledge.applyReport({ type: 'opened', node, session: 's', ...OPENED }, this.clock.now());
    this.tell(node);
  }

  /** Its stream ends, and another one begins. */
  reopen(node: string): void {
    const now = this.clock.now();
    this.knowledge.applyReport({ type: 'closed', node, session: 's', reason: 'cut' }, now);
    this.knowledge.applyReport({ type: 'opened', node, session: 's', ...OPENED }, now);
  }

  /** Its agent tells of all its Pods. */
  tell(node: string): void {
    const pods = [podRecord({ uid: `pod-${node}` })];
    const snapshot = { type: 'snapshot', node, session: 's', epoch: 'e', pods, consistent: true } as const;
    this.knowledge.applyReport(snapshot, this.clock.now());
  }

  /** Its streams end, and all that is known of its Pods is forgotten. */
  forget(node: string): void {
    const now = this.clock.now();
    this.knowledge.applyReport({ type: 'closed', node, session: 's', reason: 'cut' }, now);
    this.knowledge.store.open(node, 'own watch', API_SERVER);
    this.knowledge.store.replace(node, [], { consistent: true, now, session: 'own watch' });
    this.knowledge.store.close(node, 'own watch');
  }

  #beat(): void {
    const now = this.clock.now();
    for (const node of this.names) {
      if (this.#isHeard(node)) this.knowledge.applyReport({ type: 'heard', node, session: 's' }, now);
    }
    this.clock.schedule(HEARTBEAT_MS, () => this.#beat());
  }

  #isHeard(node: string): boolean {
    return !this.dark.has(node) && !this.mute.has(node);
  }

  async #probe(from: string, { address, timeoutMs }: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
    this.probes += 1;
    if (!this.#isHeard(from)) return 'unanswered';
    if (!this.dark.has(address) && !this.unreachable.has(address)) return 'connected';
    return await new Promise((resolve, reject) => {
      this.clock.schedule(timeoutMs, () => resolve('timed-out'));
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  setObject(name: string, status: 'True' | 'Unknown'): void {
    const item = nodeRecord(nodeObject(name, status));
    this.knowledge.applyNodes({ type: 'applied', key: name, item, resourceVersion: '2' }, this.clock.now());
  }

  deleteObject(key: string): void {
    this.knowledge.applyNodes({ type: 'deleted', key, item: undefined, resourceVersion: '2' }, this.clock.now());
  }

  get lost(): string[] {
    return this.names.filter(node => this.losses.isLost(node));
  }
  get doubted(): string[] {
    return this.names.filter(node => this.losses.isInDoubt(node));
  }

  async newLeader(): Promise<void> {
    await this.close();
    this.#stop = new AbortController();
    this.losses = this.#lead();
    this.losses.look();
    this.#running = this.losses.run(this.#stop.signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(1);
    await this.#running;
  }
}

function nodeObject(name: string, status: 'True' | 'Unknown' = 'True'): Node {
  const addresses = [{ type: 'InternalIP', address: name }];
  return { metadata: { name }, status: { addresses, conditions: [{ type: 'Ready', status }] } };
}

let stand: Stand;
beforeEach(() => {
  stand = new Stand(10);
});
afterEach(() => stand.close());

describe('one node that falls silent', () => {
  test('is lost within seconds when its neighbours reach it no more, and told of', async () => {
    stand.dark.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect(stand.lost).toEqual(['n3']);
    expect(new Set(stand.changes)).toEqual(new Set(['n3']));
  });

  test('is not when they reach it', async () => {
    stand.mute.add('n3');
    await stand.clock.advance(120_000);
    expect(stand.lost).toEqual([]);
    expect(stand.probes).toBeGreaterThan(0);
  });

  test('is in doubt until they have answered', async () => {
    stand.dark.add('n3');
    await stand.clock.advanceUntil(() => stand.doubted.length > 0, FOUND_WITHIN_MS);
    expect([stand.doubted, stand.lost]).toEqual([['n3'], []]);
    await stand.clock.advance(2_000);
    expect([stand.doubted, stand.lost]).toEqual([[], ['n3']]);
  });

  test('stays in doubt though they reach it, until an agent or the own watch tells of its Pods', async () => {
    for (const node of ['n3', 'n4']) stand.mute.add(node);
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect([stand.doubted, stand.lost]).toEqual([['n3', 'n4'], []]);
    stand.mute.delete('n4');
    stand.knowledge.store.open('n3', 'own watch', API_SERVER);
    stand.changes.length = 0;
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect(stand.doubted).toEqual([]);
    expect(stand.changes.toSorted()).toEqual(['n3', 'n4']);
  });

  test('stays in doubt when an agent is back that has not told of its Pods yet, and is not lost', async () => {
    stand.mute.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    stand.reopen('n3');
    stand.mute.delete('n3');
    stand.unreachable.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect([stand.doubted, stand.lost]).toEqual([['n3'], []]);
    await stand.newLeader();
    expect([stand.doubted, stand.lost]).toEqual([['n3'], []]);
    stand.tell('n3');
    await stand.clock.advance(1_000);
    expect([stand.doubted, stand.lost]).toEqual([[], []]);
  });

  test('is lost no more when its agent speaks, or when a neighbour reaches it', async () => {
    for (const node of ['n3', 'n4']) stand.dark.add(node);
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect(stand.lost).toEqual(['n3', 'n4']);
    stand.mute.add('n4');
    stand.dark.clear();
    await stand.clock.advance(6_500);
    expect(stand.lost).toEqual([]);
  });

  test('is lost without any neighbour when its object is gone', async () => {
    const alone = new Stand(1);
    alone.dark.add('n1');
    await alone.clock.advance(FOUND_WITHIN_MS);
    expect(alone.lost).toEqual([]);
    alone.deleteObject('n1');
    await alone.clock.advance(FOUND_WITHIN_MS);
    expect(alone.lost).toEqual(['n1']);
    await alone.close();
  });
});

describe('many nodes that fall silent together', () => {
  test('are all held, however long it lasts, even if nobody reaches them: nothing of them is opened or closed', async () => {
    const silent = ['n1', 'n2', 'n3', 'n4'];
    for (const node of silent) stand.dark.add(node);
    await stand.clock.advance(300_000);
    expect([stand.lost, stand.doubted, stand.losses.isHeld]).toEqual([[], silent, true]);
    expect([stand.probes, stand.changes]).toEqual([0, silent]);
  });

  test('leave one that was lost before them lost, and are judged one by one when most are back', async () => {
    stand.dark.add('n1');
    await stand.clock.advance(60_000);
    for (const node of ['n2', 'n3', 'n4', 'n5']) stand.mute.add(node);
    await stand.clock.advance(20_000);
    expect([stand.lost, stand.losses.isHeld]).toEqual([['n1'], true]);
    stand.mute.clear();
    stand.dark.add('n5');
    await stand.clock.advance(FOUND_WITHIN_MS);
    expect([stand.lost, stand.losses.isHeld]).toEqual([['n1', 'n5'], false]);
  });
});

test('a leader that takes over asks before it judges what the one before had found', async () => {
  stand.dark.add('n3');
  await stand.clock.advance(FOUND_WITHIN_MS);
  await stand.newLeader();
  expect([stand.lost, stand.doubted]).toEqual([[], ['n3']]);
  await stand.clock.advance(2_000);
  expect([stand.lost, stand.doubted]).toEqual([['n3'], []]);
});

describe('what the own watch says of a node is doubted', () => {
  /** As long as the kubelet may need to write what the API server does not know yet. */
  const CATCHES_UP_MS = 12_000;
  /** As long as the API server may call a node ready whose kubelet has died. */
  const DEATH_SHOWS_MS = 60_000;
  const watch = (node: string) => stand.knowledge.store.open(node, 'own watch', API_SERVER);

  test('by a leader that takes over, until it has asked whether the node is lost (L5)', async () => {
    stand.dark.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    watch('n3');
    await stand.newLeader();
    expect([stand.lost, stand.doubted]).toEqual([[], ['n3']]);
    await stand.clock.advance(2_000);
    expect([stand.lost, stand.doubted]).toEqual([['n3'], []]);
  });

  test('from the first word on, also where nothing was known of the node when the leader took over (L5)', async () => {
    stand.dark.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    stand.forget('n3');
    await stand.newLeader();
    watch('n3');
    expect(stand.doubted).toEqual(['n3']);
    stand.changes.length = 0;
    await stand.clock.advance(2_000);
    expect([stand.lost, stand.changes]).toEqual([['n3'], ['n3']]);
  });

  test('while its kubelet does not report, though neighbours reach it, and until it has caught up (L5)', async () => {
    stand.mute.add('n3');
    stand.setObject('n3', 'Unknown');
    watch('n3');
    await stand.clock.advance(120_000);
    expect(stand.doubted).toEqual(['n3']);
    stand.setObject('n3', 'True');
    await stand.clock.advance(CATCHES_UP_MS - 1_000);
    expect(stand.doubted).toEqual(['n3']);
    await stand.clock.advance(2_000);
    expect(stand.doubted).toEqual([]);
  });

  test('when it is reached again, until its kubelet has caught up (L5)', async () => {
    stand.dark.add('n3');
    await stand.clock.advance(FOUND_WITHIN_MS);
    watch('n3');
    stand.mute.add('n3');
    stand.dark.clear();
    await stand.clock.advanceUntil(() => stand.lost.length === 0, FOUND_WITHIN_MS);
    await stand.clock.advance(CATCHES_UP_MS - 1_000);
    expect(stand.doubted).toEqual(['n3']);
    await stand.clock.advance(2_000);
    expect(stand.doubted).toEqual([]);
  });

  test('also of one without any agent, and no more when its kubelet has reported again for a while', async () => {
    await stand.clock.advance(DEATH_SHOWS_MS);
    watch('super');
    stand.setObject('super', 'True');
    await stand.clock.advance(1_000);
    expect(stand.losses.isInDoubt('super')).toBe(false);
    stand.setObject('super', 'Unknown');
    await stand.clock.advance(60_000);
    expect(stand.losses.isInDoubt('super')).toBe(true);
    stand.setObject('super', 'True');
    await stand.clock.advance(CATCHES_UP_MS - 1_000);
    expect(stand.losses.isInDoubt('super')).toBe(true);
    await stand.clock.advance(2_000);
    expect(stand.losses.isInDoubt('super')).toBe(false);
  });

  test('of one whose agent this replica never heard, as long as its death might not show yet (L5)', async () => {
    for (const node of ['n11', 'eklet-1']) {
      watch(node);
      stand.setObject(node, 'True');
    }
    await stand.clock.advance(DEATH_SHOWS_MS - 1_000);
    expect([stand.losses.isInDoubt('n11'), stand.losses.isInDoubt('eklet-1')]).toEqual([true, false]);
    await stand.clock.advance(2_000);
    expect(stand.losses.isInDoubt('n11')).toBe(false);
  });

  test('no more after a while when no neighbour can be asked, and none may be while all is held', async () => {
    for (const node of stand.names) {
      stand.mute.add(node);
      watch(node);
    }
    await stand.clock.advance(FOUND_WITHIN_MS + CATCHES_UP_MS);
    expect([stand.doubted, stand.losses.isHeld, stand.probes]).toEqual([[], true, 0]);
  });

  test('no more after a while where the agent is connected and never tells of its Pods', async () => {
    watch('n3');
    stand.reopen('n3');
    await stand.clock.advance(CATCHES_UP_MS + 1_000);
    expect(stand.doubted).toEqual([]);
  });
});

test('a node that never had an agent is lost only when the API server doubts it and nobody reaches it', async () => {
  const pods = [podRecord({ uid: 'pod-super' })];
  stand.knowledge.store.replace('super', pods, { consistent: true, now: 0 });
  stand.setObject('super', 'True');
  stand.dark.add('super');
  await stand.clock.advance(60_000);
  expect(stand.losses.isLost('super')).toBe(false);
  stand.setObject('super', 'Unknown');
  await stand.clock.advance(3_000);
  expect(stand.losses.isLost('super')).toBe(true);
});

type Step = (stand: Stand) => void;

/** Of a machine that comes back, what neighbours said just before may still be counted so long. */
const ASKED_FOR_MS = 3_000;

test('whatever falls silent and comes back: no machine that is on is lost, nothing new while all is held, and it ends', async () => {
  const index = fc.nat({ max: 5 });
  const onNode = (act: (stand: Stand, node: string) => void) =>
    index.map(
      (at): Step =>
        one =>
          act(one, one.names[at] ?? ''),
    );
  const step = fc.oneof(
    onNode(({ dark }, node) => dark.add(node)),
    onNode(({ dark }, node) => dark.delete(node)),
    onNode(({ mute }, node) => mute.add(node)),
    onNode(({ mute }, node) => mute.delete(node)),
    onNode((one, node) => one.setObject(node, one.dark.has(node) ? 'Unknown' : 'True')),
  );
  const steps = fc.array(fc.tuple(step, fc.constantFrom(0, 500, 2_000, 8_000, 40_000)), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(steps, async run => {
      const one = new Stand(6);
      const darkAt = new Map<string, number>();
      const wasDark = (node: string) =>
        one.clock.now() - (darkAt.get(node) ?? Number.NEGATIVE_INFINITY) <= ASKED_FOR_MS;
      for (const [act, waitMs] of run) {
        for (const node of one.dark) darkAt.set(node, one.clock.now());
        act(one);
        for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += 500) {
          const before = new Set(one.lost);
          const wasHeld = one.losses.isHeld;
          await one.clock.advance(500);
          const fresh = one.lost.filter(node => !before.has(node));
          for (const node of one.dark) darkAt.set(node, one.clock.now());
          expect(fresh.filter(node => !wasDark(node))).toEqual([]);
          if (wasHeld && one.losses.isHeld) expect(fresh).toEqual([]);
        }
      }
      one.dark.clear();
      one.mute.clear();
      await one.clock.advance(10_000);
      expect([one.lost, one.doubted, one.losses.isHeld]).toEqual([[], [], false]);
      await one.close();
    }),
    { numRuns: 200 },
  );
});
