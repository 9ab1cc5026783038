import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { ScriptedTransport, type ScriptedWatch } from '../../common/kube/scripted-transport.ts';
import type { WatchEvent } from '../../common/kube/transport.ts';
import { silentLogger } from '../../common/logger.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import { projectPod } from '../../common/pods/project-pod.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { Knowledge } from '../knowledge.ts';
import { nodeRecord } from '../kube/node-reflector.ts';
import { PodCover } from './pod-cover.ts';

const AFTER_MS = 20_000;
const NODE_WATCHES_MAX = 64;

/** A leader's own watch over an API server that holds these Pods. */
class Stand {
  readonly clock = new VirtualClock();
  readonly knowledge = new Knowledge();
  readonly transport: ScriptedTransport;
  readonly cover: PodCover;
  pods: readonly Pod[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(...nodes: readonly string[]) {
    this.transport = new ScriptedTransport(({ query }) => {
      const node = query?.fieldSelector?.split('=')[1];
      const items = this.pods.filter(({ spec }) => node === undefined || spec.nodeName === node);
      return { status: 200, body: { metadata: { resourceVersion: '1' }, items } };
    });
    const items = new Map(nodes.map(name => [name, nodeRecord({ metadata: { name } })]));
    this.knowledge.applyNodes({ type: 'replaced', items, resourceVersion: '1' }, this.clock.now());
    this.cover = new PodCover({
      names: DEFAULT_INSTANCE,
      transport: this.transport,
      clock: this.clock,
      random: seededRandom(1),
      log: silentLogger,
      knowledge: this.knowledge,
      policy: { pureVpcCni: 'auto' },
      afterMs: AFTER_MS,
    });
    this.#running = this.cover.run(this.#stop.signal);
  }

  /** The node's agent connects and tells of these Pods. */
  report(node: string, ...pods: readonly PodRecord[]): void {
    const opened = { agentPodUid: 'agent', agentPodName: 'agent', epoch: 'e', agentVersion: '', startedAtMs: 0 };
    const now = this.clock.now();
    this.knowledge.applyReport({ type: 'opened', node, session: 's', ...opened }, now);
    this.knowledge.applyReport({ type: 'snapshot', node, session: 's', epoch: 'e', pods, consistent: true }, now);
  }

  /** The node's agent says that it does not learn of its Pods any more. */
  blind(node: string): void {
    this.knowledge.applyReport({ type: 'blinded', node, session: 's' }, this.clock.now());
  }

  hangUp(node: string): void {
    this.knowledge.applyReport({ type: 'closed', node, session: 's', reason: '' }, this.clock.now());
  }

  async tell(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod): Promise<void> {
    for (const watch of this.openWatches) watch.push({ type, object: pod } as WatchEvent);
    await this.clock.advance(10);
  }

  get openWatches(): readonly ScriptedWatch[] {
    return this.transport.watches.filter(({ isClosed }) => !isClosed);
  }

  get known(): string[] {
    return [...this.knowledge.store.pods.keys()];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(60_000);
    await this.#running;
  }
}

const pod = (name: string, nodeName = 'n1', metadata: Partial<Pod['metadata']> = {}) =>
  kubePod({ metadata: { name, uid: name, ...metadata }, spec: { nodeName } });
const record = (name: string) => projectPod(pod(name), { pureVpcCni: 'auto' });

let stand: Stand;
beforeEach(() => {
  stand = new Stand('n1');
});
afterEach(() => stand.close());

describe('a node is watched', () => {
  test('when it has had no agent for a while', async () => {
    stand.pods = [pod('a')];
    await stand.clock.advance(AFTER_MS - 1_000);
    expect(stand.cover.watchedNodes).toEqual([]);
    await stand.clock.advance(2_000);
    expect(stand.cover.watchedNodes).toEqual(['n1']);
    expect(stand.known).toEqual(['a']);
    expect(stand.openWatches.map(({ request }) => request.query?.fieldSelector)).toEqual(['spec.nodeName=n1']);
  });

  test('at once when it is a super node', async () => {
    const items = new Map([['eklet-1', nodeRecord({ metadata: { name: 'eklet-1' } })]]);
    stand.knowledge.applyNodes({ type: 'replaced', items, resourceVersion: '1' }, stand.clock.now());
    await stand.clock.advance(1_000);
    expect(stand.cover.watchedNodes).toEqual(['eklet-1']);
  });

  test('also when its agent is connected and never told of a Pod', async () => {
    const opened = { agentPodUid: 'u', agentPodName: 'p', epoch: 'e', agentVersion: '', startedAtMs: 0 };
    stand.knowledge.applyReport({ type: 'opened', node: 'n1', session: 's', ...opened }, stand.clock.now());
    await stand.clock.advance(AFTER_MS + 1_000);
    expect(stand.cover.watchedNodes).toEqual(['n1']);
  });

  test('at once when its agent says that it is blind, until it sees', async () => {
    stand.report('n1', record('a'));
    stand.pods = [pod('a'), pod('b')];
    stand.blind('n1');
    expect(stand.knowledge.hasUnseenNodes()).toBe(true);
    await stand.clock.advance(1_000);
    expect(stand.known).toEqual(['a', 'b']);
    expect(stand.knowledge.hasUnseenNodes()).toBe(false);
    stand.report('n1', record('a'), record('b'));
    await stand.clock.advance(1_000);
    expect([stand.cover.watchedNodes, stand.known]).toEqual([[], ['a', 'b']]);
  });

  test('on when a blind agent changes its stream', async () => {
    stand.report('n1', record('a'));
    stand.pods = [pod('a'), pod('b')];
    stand.blind('n1');
    await stand.clock.advance(1_000);
    stand.hangUp('n1');
    await stand.clock.advance(5_000);
    expect([stand.cover.watchedNodes, stand.known]).toEqual([['n1'], ['a', 'b']]);
  });

  test('no more when its agent reports, whose word counts then', async () => {
    stand.pods = [pod('a'), pod('b')];
    await stand.clock.advance(AFTER_MS + 1_000);
    stand.report('n1', { ...record('a'), ready: false });
    await stand.clock.advance(1_000);
    expect(stand.cover.watchedNodes).toEqual([]);
    expect(stand.openWatches).toEqual([]);
    expect(stand.knowledge.store.pods.get('a')?.record.ready).toBe(false);
    expect(stand.known).toEqual(['a']);
  });

  test('after its object is gone, until its last Pod is', async () => {
    stand.report('n1', record('a'));
    stand.pods = [pod('a')];
    stand.hangUp('n1');
    await stand.clock.advance(AFTER_MS + 1_000);
    stand.knowledge.applyNodes({ type: 'deleted', key: 'n1', item: undefined, resourceVersion: '2' }, 0);
    await stand.clock.advance(1_000);
    expect(stand.cover.watchedNodes).toEqual(['n1']);
    await stand.tell('DELETED', pod('a', 'n1', { resourceVersion: '3' }));
    await stand.clock.advance(1_000);
    expect(stand.cover.watchedNodes).toEqual([]);
  });
});

describe('what the watch tells', () => {
  beforeEach(async () => {
    stand.report('n1', record('a'), record('b'));
    stand.pods = [pod('a')];
    stand.hangUp('n1');
    await stand.clock.advance(AFTER_MS + 1_000);
  });

  test('of a deletion counts, from its first sight to its end', async () => {
    const deletion = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 };
    await stand.tell('MODIFIED', pod('a', 'n1', { resourceVersion: '2', ...deletion }));
    expect(stand.knowledge.store.pods.get('a')?.deletionSeenAt).toBe(stand.clock.now() - 10);
    await stand.tell('DELETED', pod('a', 'n1', { resourceVersion: '3', ...deletion }));
    expect(stand.knowledge.store.tombstone('a')?.evidence).toBe('deletion seen on a watch');
  });

  test('by leaving a Pod out of a list buries nobody: the API server is asked about its targets (L1)', () => {
    expect(stand.known).toEqual(['a']);
    expect(stand.knowledge.store.tombstone('b')).toBeUndefined();
  });

  test('of a new Pod counts', async () => {
    await stand.tell('ADDED', pod('c', 'n1', { resourceVersion: '2' }));
    expect(stand.known).toEqual(['a', 'c']);
  });

  test('takes no Pod off the elastic network interface that its agent saw', async () => {
    stand.report('n1', { ...record('d'), eni: { attached: true, reason: 'every Pod of this node' } });
    stand.hangUp('n1');
    stand.pods = [pod('d')];
    await stand.clock.advance(AFTER_MS + 1_000);
    expect(stand.knowledge.store.pods.get('d')?.record.eni?.attached).toBe(true);
  });
});

describe('more nodes than can be watched one by one', () => {
  const names = Array.from({ length: NODE_WATCHES_MAX + 2 }, (_, index) => `n${index + 1}`);
  const [last = '', lastButOne = ''] = [names.at(-1), names.at(-2)];

  beforeEach(async () => {
    await stand.close();
    stand = new Stand(...names, 'covered');
    stand.pods = [...names, 'covered', 'unknown'].map(node => pod(`on-${node}`, node));
    stand.report('covered');
    await stand.clock.advance(AFTER_MS + 2_000);
  });

  test('share one watch of all Pods, of which only theirs are kept', () => {
    expect(stand.openWatches).toHaveLength(NODE_WATCHES_MAX + 1);
    expect(stand.cover.watchedNodes).toHaveLength(names.length);
    expect(stand.known.sort()).toEqual(names.map(name => `on-${name}`).sort());
  });

  test('also when all agents are blind at once, as with an API server that is away', async () => {
    for (const name of names) stand.report(name);
    await stand.clock.advance(1_000);
    expect(stand.openWatches).toEqual([]);
    for (const name of names) stand.blind(name);
    await stand.clock.advance(2_000);
    expect(stand.openWatches).toHaveLength(NODE_WATCHES_MAX + 1);
    expect(stand.cover.watchedNodes).toHaveLength(names.length);
  });

  test('leave it one by one, and it ends with the last of them', async () => {
    stand.report(last);
    await stand.tell(
      'MODIFIED',
      pod(`on-${lastButOne}`, lastButOne, { resourceVersion: '2', labels: { app: 'other' } }),
    );
    await stand.tell('MODIFIED', pod(`on-${last}`, last, { resourceVersion: '2', labels: { app: 'other' } }));
    expect(stand.knowledge.store.pods.get(`on-${lastButOne}`)?.record.labels).toEqual({ app: 'other' });
    stand.report(lastButOne);
    await stand.clock.advance(2_000);
    expect(stand.openWatches).toHaveLength(NODE_WATCHES_MAX);
  });

  test('are joined by others, for which it begins anew after a while', async () => {
    stand.hangUp('covered');
    await stand.clock.advance(AFTER_MS + 32_000);
    expect(stand.known).toContain('on-covered');
    expect(stand.openWatches).toHaveLength(NODE_WATCHES_MAX + 1);
  });
});
