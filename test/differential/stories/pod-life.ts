import { sleep } from '../../../common/clock.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { versionOf } from '../requests/compared-request.ts';
import { ask, paths, type Side, succeed } from '../side.ts';
import { type Chronicle, chronicle, isReady, type StoryPod } from './chronicle.ts';
import type { Manner, ObservedCall } from './kubelet-observer.ts';
import { deedsOf, type Gap, gapsOf, type MeasuredGap, type Moment } from './moment.ts';

const { pods } = paths;
const pollMs = 50;
const patienceMs = 60_000;

/** What is compared of a story. */
export interface Life {
  readonly status: Chronicle;
  /** What happened to each container, in order. */
  readonly containers: Readonly<Record<string, readonly string[]>>;
  /** Compared with a tolerance. */
  readonly gaps: Readonly<Record<string, MeasuredGap>>;
  /** What else the story tells. */
  readonly more?: unknown;
}

interface StoryContainerSpec {
  readonly name: string;
  readonly [field: string]: unknown;
}

interface Seen {
  readonly type: string;
  readonly pod: StoryPod;
  readonly atMs: number;
}

/** One Pod of a story, watched from its creation on. */
export class PodLife implements Disposable {
  readonly #side: Side;
  readonly #name: string;
  readonly #seen: Seen[] = [];
  readonly #stop = new AbortController();
  #failure: Error | undefined;
  #uid = '';
  #beginning: StoryPod | undefined;
  #containers: readonly string[] = [];

  constructor(side: Side, name: string) {
    this.#side = side;
    this.#name = name;
  }

  /** Where the kubelet calls for `what`, a probe or a hook, which answers in this manner. */
  answering(what: string, manner: Manner): { host: string; port: number; path: string } {
    const { observer, observerHost } = this.#side;
    observer.answer(this.#path(what), manner);
    return { host: observerHost, port: observer.port, path: this.#path(what) };
  }

  calls(what: string): readonly ObservedCall[] {
    return this.#side.observer.calls(this.#path(what));
  }

  #path(what: string): string {
    return `/${this.#side.name}/${this.#name}/${what}`;
  }

  /** @param node index of the side's nodes */
  async create(spec: { readonly containers: readonly StoryContainerSpec[] }, node = 0): Promise<void> {
    this.#containers = spec.containers.map(({ name }) => name);
    const query = { fieldSelector: `metadata.name=${this.#name}` };
    const resourceVersion = await versionOf(this.#side, pods, query);
    void this.#watch({ ...query, resourceVersion });
    const metadata = { name: this.#name };
    const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: this.#side.nodes[node], ...spec } };
    const created = await succeed(ask(this.#side, 'POST', pods, { body }));
    this.#uid = created.metadata.uid ?? '';
  }

  async #watch(query: Readonly<Record<string, string>>): Promise<void> {
    const { clock, transport } = this.#side;
    try {
      for await (const { type, object } of transport.watch({ method: 'GET', path: pods, query }, this.#stop.signal)) {
        if (type === 'ERROR') throw new Error(`the watch ended: ${JSON.stringify(object)}`);
        this.#seen.push({ type, pod: object as StoryPod, atMs: clock.wallNow() });
      }
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  /** Until the Pod is as asked; to that Pod. @throws Error after a minute */
  until(what: string, condition: (pod: StoryPod) => boolean): Promise<StoryPod> {
    return this.waitFor(what, () => this.#seen.map(({ pod }) => pod).find(condition));
  }

  /** Here the story begins: its status is told from the ready Pod on. */
  async untilReady(): Promise<StoryPod> {
    const ready = await this.until('to be ready', isReady);
    this.#beginning = ready;
    return ready;
  }

  async untilGone(): Promise<void> {
    await this.waitFor('to be gone', () => this.#seen.some(({ type }) => type === 'DELETED') || undefined);
  }

  async waitFor<Value>(what: string, attempt: () => Value | undefined): Promise<Value> {
    const { clock, name } = this.#side;
    const endAtMs = clock.now() + patienceMs;
    for (;;) {
      const value = attempt();
      if (value !== undefined) return value;
      if (this.#failure) throw this.#failure;
      if (clock.now() > endAtMs) throw new Error(`${name}: waited in vain for ${this.#name} ${what}`);
      await sleep(clock, pollMs, this.#stop.signal);
    }
  }

  isReady(): boolean {
    const last = this.#seen.at(-1);
    return last !== undefined && isReady(last.pod);
  }

  goneAtMs(): number | undefined {
    return this.#seen.find(({ type }) => type === 'DELETED')?.atMs;
  }

  moments(): readonly Moment[] {
    return this.#side.moments(this.#uid);
  }

  delete(options?: object): Promise<KubeResponse> {
    return ask(this.#side, 'DELETE', `${pods}/${this.#name}`, options ? { body: options } : {});
  }

  evict(): Promise<KubeResponse> {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: this.#name } };
    return ask(this.#side, 'POST', `${pods}/${this.#name}/eviction`, { body });
  }

  /** What has happened, once everything that the story asks for is told. */
  async told(gaps: readonly Gap[], calls: readonly string[] = []): Promise<Life> {
    const moments = await this.#settledMoments();
    const beginsAt = Math.max(
      0,
      this.#seen.findIndex(({ pod }) => pod === this.#beginning),
    );
    const called = calls.flatMap(what => this.calls(what).map(({ atMs }) => ({ what: `GET ${what}`, atMs })));
    return {
      status: chronicle(this.#seen.map(({ pod }) => pod).slice(beginsAt)),
      containers: deedsOf(moments, this.#containers),
      gaps: gapsOf([...moments, ...called, ...this.#milestones()], gaps),
    };
  }

  /** Records are written a moment after what they tell of. */
  async #settledMoments(): Promise<readonly Moment[]> {
    const { clock } = this.#side;
    let before = -1;
    for (;;) {
      const moments = this.moments();
      if (moments.length === before) return moments;
      before = moments.length;
      await sleep(clock, 500, this.#stop.signal);
    }
  }

  #milestones(): Moment[] {
    const first = (what: string, condition: (seen: Seen) => boolean): Moment[] => {
      const found = this.#seen.find(condition);
      return found ? [{ what, atMs: found.atMs }] : [];
    };
    const readyAt = this.#seen.findIndex(({ pod }) => isReady(pod));
    const unready = readyAt < 0 ? undefined : this.#seen.slice(readyAt).find(({ pod }) => !isReady(pod));
    return [
      ...first('created', () => true),
      ...first('ready', ({ pod }) => isReady(pod)),
      ...(unready ? [{ what: 'not ready', atMs: unready.atMs }] : []),
      ...first('deletion', ({ pod }) => pod.metadata.deletionTimestamp !== undefined),
      ...first('gone', ({ type }) => type === 'DELETED'),
    ];
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
