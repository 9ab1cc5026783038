import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import { ReportStore } from '../../coordinator/core/report-store.ts';
import { deleted, exited, ready, restarted, starting, unready } from './pod-changes.ts';

const NODE = 'n1';

/** One change of a Pod as the API server's watch tells it; without a record it is the Pod's end. */
interface WatchEvent {
  readonly uid: string;
  readonly record: PodRecord | undefined;
}

/** An agent that lists when it starts, follows the watch in its own time, and says what it sees on a stream. */
class ModelAgent {
  readonly #node: ModelNode;
  readonly #id: number;
  readonly #view: Map<string, PodRecord>;
  readonly #exits = new Set<string>();
  readonly #underWay: (() => void)[] = [];
  #position: number;
  #session: string | undefined;
  #sessions = 0;

  constructor(node: ModelNode, id: number) {
    this.#node = node;
    this.#id = id;
    this.#position = node.history.length;
    this.#view = new Map(node.pods);
  }

  open(): void {
    if (this.#session !== undefined) return;
    this.#sessions += 1;
    const session = `${this.#id}/${this.#sessions}`;
    this.#session = session;
    this.#node.store.open(NODE, session, { agent: `a${this.#id}`, startedAtMs: this.#id });
    this.list();
  }

  /** What is under way is lost with the stream. */
  close(): void {
    if (this.#session === undefined) return;
    this.#underWay.length = 0;
    this.#node.store.close(NODE, this.#session);
    this.#session = undefined;
  }

  list(): void {
    const session = this.#session;
    if (session === undefined) return;
    const pods = this.#records();
    this.#underWay.push(() => this.#node.store.replace(NODE, pods, { consistent: true, now: 0, session }));
  }

  /** Sees the next change on its watch. */
  follow(): boolean {
    const event = this.#node.history[this.#position];
    if (!event) return false;
    this.#position += 1;
    if (event.record) {
      this.#view.set(event.uid, event.record);
      this.#say({ upserts: [this.#merged(event.record)], removals: [] });
    } else if (this.#view.delete(event.uid)) this.#say({ upserts: [], removals: [event.uid] });
    return true;
  }

  /** The runtime tells of an exit, mostly before the watch does. */
  seeExit(record: PodRecord): void {
    const seen = this.#view.get(record.uid);
    for (const { containerId } of record.containers) this.#exits.add(containerId);
    if (seen) this.#say({ upserts: [this.#merged(seen)], removals: [] });
  }

  deliver(): boolean {
    const arrive = this.#underWay.shift();
    arrive?.();
    return arrive !== undefined;
  }

  #say(delta: { upserts: readonly PodRecord[]; removals: readonly string[] }): void {
    const session = this.#session;
    if (session !== undefined) this.#underWay.push(() => this.#node.store.apply(NODE, { ...delta, session }, 0));
  }

  #records(): PodRecord[] {
    return [...this.#view.values()].map(record => this.#merged(record));
  }

  #merged(record: PodRecord): PodRecord {
    const hasExited = record.containers.some(({ containerId }) => this.#exits.has(containerId));
    return hasExited ? exited(record) : record;
  }
}

/** A node in the middle of upgrades: the agents, each at its own point of the Pods' history, and the coordinator's store. */
class ModelNode {
  readonly store = new ReportStore();
  readonly history: WatchEvent[] = [];
  readonly pods = new Map<string, PodRecord>();
  /** The older one first. */
  agents: ModelAgent[] = [];
  #podCount = 0;
  #agentCount = 0;
  #shown = new Map<string, { readonly deleted: boolean; readonly exits: ReadonlySet<string> }>();

  add(): void {
    this.#podCount += 1;
    const uid = `pod-${this.#podCount}`;
    this.#set(starting(uid, { address: `10.0.0.${this.#podCount}`, app: 'web', createdAtMs: 0 }));
  }

  change(index: number, edit: (record: PodRecord) => PodRecord): void {
    const record = [...this.pods.values()][index % Math.max(1, this.pods.size)];
    if (record) this.#set(edit(record));
  }

  finish(index: number): void {
    const record = [...this.pods.values()][index % Math.max(1, this.pods.size)];
    if (!record?.deletion) return;
    this.pods.delete(record.uid);
    this.history.push({ uid: record.uid, record: undefined });
  }

  /** A container exits; one agent hears it from the runtime at once. */
  exit(index: number, agent: number): void {
    this.change(index, record => {
      this.#agent(agent)?.seeExit(record);
      return exited(record);
    });
  }

  /** As `maxSurge` does it: beside the one that is there, never a third. */
  startAgent(): void {
    if (this.agents.length >= 2) return;
    this.#agentCount += 1;
    this.agents.push(new ModelAgent(this, this.#agentCount));
  }

  /** The other one is asked for everything. */
  stopAgent(index: number): void {
    const agent = this.#agent(index);
    agent?.close();
    this.agents = this.agents.filter(other => other !== agent);
    for (const other of this.agents) other.list();
  }

  on(index: number, act: (agent: ModelAgent) => void): void {
    const agent = this.#agent(index);
    if (agent) act(agent);
  }

  /** Every agent sees and says everything; then the older one has left. */
  settle(): void {
    this.startAgent();
    for (const agent of this.agents) {
      agent.open();
      while (agent.follow() || agent.deliver());
    }
    while (this.agents.length > 1) this.stopAgent(0);
    for (const agent of this.agents) agent.list();
    for (const agent of this.agents) while (agent.deliver());
  }

  check(): void {
    for (const uid of this.pods.keys()) expect(this.store.tombstone(uid), `${uid} lives`).toBeUndefined();
    const shown = new Map<string, { deleted: boolean; exits: ReadonlySet<string> }>();
    for (const [uid, { record }] of this.store.pods) {
      const before = this.#shown.get(uid);
      const ids = (state: ContainerState) =>
        record.containers.filter(container => container.state === state).map(({ containerId }) => containerId);
      if (before?.deleted) expect(record.deletion, `${uid} is deleted`).toBeDefined();
      for (const id of ids(ContainerState.RUNNING))
        expect(before?.exits.has(id) ?? false, `${id} has exited`).toBe(false);
      shown.set(uid, { deleted: record.deletion !== undefined, exits: new Set(ids(ContainerState.EXITED)) });
    }
    this.#shown = shown;
  }

  #set(record: PodRecord): void {
    this.pods.set(record.uid, record);
    this.history.push({ uid: record.uid, record });
  }

  #agent(index: number): ModelAgent | undefined {
    return this.agents[index % Math.max(1, this.agents.length)];
  }
}

type Step = { readonly name: string; readonly run: (node: ModelNode) => void };
const index = fc.nat({ max: 5 });
const agent = fc.nat({ max: 1 });

function change(name: string, edit: (record: PodRecord) => PodRecord): fc.Arbitrary<Step> {
  return index.map(i => ({ name: `${name} ${i}`, run: (node: ModelNode) => node.change(i, edit) }));
}

function act(name: string, run: (agent: ModelAgent) => void): fc.Arbitrary<Step> {
  return agent.map(a => ({ name: `agent ${a} ${name}`, run: (node: ModelNode) => node.on(a, run) }));
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ name: 'add', run: node => node.add() }) },
  { weight: 2, arbitrary: change('ready', ready) },
  { weight: 1, arbitrary: change('unready', unready) },
  { weight: 2, arbitrary: change('delete', deleted) },
  { weight: 1, arbitrary: change('restart', restarted) },
  { weight: 2, arbitrary: index.map(i => ({ name: `finish ${i}`, run: (node: ModelNode) => node.finish(i) })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(index, agent)
      .map(([i, a]) => ({ name: `exit ${i}, heard by ${a}`, run: (node: ModelNode) => node.exit(i, a) })),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ name: 'start an agent', run: node => node.startAgent() }) },
  { weight: 1, arbitrary: agent.map(a => ({ name: `stop agent ${a}`, run: (node: ModelNode) => node.stopAgent(a) })) },
  { weight: 4, arbitrary: act('opens', one => one.open()) },
  { weight: 1, arbitrary: act('is cut off', one => one.close()) },
  { weight: 1, arbitrary: act('is asked for all', one => one.list()) },
  { weight: 8, arbitrary: act('follows', one => void one.follow()) },
  { weight: 8, arbitrary: act('is heard', one => void one.deliver()) },
);

/** Long enough for several upgrades. */
const anyUpgrade = fc.array(anyStep, { minLength: 20, maxLength: 120, size: 'max' });

describe('two agents on one node, however far each is behind', () => {
  test('never bury a Pod that lives, nor take back a deletion or an exit that one of them told (L1)', () => {
    fc.assert(
      fc.property(anyUpgrade, steps => {
        const node = new ModelNode();
        for (const { run } of steps) {
          run(node);
          node.check();
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('come to tell what is true once the upgrade is over, no Pod more and none less', () => {
    fc.assert(
      fc.property(anyUpgrade, steps => {
        const node = new ModelNode();
        for (const { run } of steps) run(node);
        node.settle();
        const stored = [...node.store.pods].map(([uid, { record }]) => [uid, record]);
        expect(new Map(stored as [string, PodRecord][])).toEqual(node.pods);
      }),
      { numRuns: 1_000 },
    );
  });
});
