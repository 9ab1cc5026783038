import { seededRandom } from '../../../common/random.ts';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Evidence, RefusedSpan, Span } from '../evidence.ts';
import type { Begun, Happening, Kind, Kinds, Site } from './trouble.ts';

/** Something that happened, and when. */
export interface Episode {
  readonly happening: Happening;
  readonly kind: Kind;
  readonly begun: Begun;
  /** Wall milliseconds. */
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

/** Lets things happen, and ends them when their time is over. */
export class Episodes {
  readonly #site: Site;
  readonly #kinds: Kinds;
  readonly #all: (Omit<Episode, 'to'> & { to: number })[] = [];

  constructor(site: Site, kinds: Kinds) {
    this.#site = site;
    this.#kinds = kinds;
  }

  async begin(happening: Happening): Promise<void> {
    const { clock, log } = this.#site.world;
    const kind = this.#kinds[happening.kind];
    if (!kind) throw new Error(`nobody knows what "${happening.kind}" is`);
    const from = clock.wallNow();
    const begun = await kind.begin(this.#site, seededRandom(happening.seed), happening.lastsMs);
    if (!begun) return;
    log.add('happening', { number: happening.number, text: begun.text });
    const episode = { happening, kind, begun, from, to: Number.POSITIVE_INFINITY };
    this.#all.push(episode);
    clock.schedule(happening.lastsMs, () => this.#end(episode));
  }

  endAll(): void {
    for (const episode of this.#all) this.#end(episode);
  }

  get all(): readonly Episode[] {
    return this.#all;
  }

  #end(episode: Episode & { to: number }): void {
    if (episode.to !== Number.POSITIVE_INFINITY) return;
    episode.to = this.#site.world.clock.wallNow();
    episode.begun.end?.();
    if (episode.begun.end) this.#site.world.log.add('happening', { number: episode.happening.number, ended: true });
  }
}

/** When coordinators could not know what the API server held. */
export function outagesOf(episodes: readonly Episode[]): readonly Span[] {
  return episodes.filter(({ kind }) => kind.deafens);
}

export function refusedOf(episodes: readonly Episode[]): readonly RefusedSpan[] {
  return episodes.flatMap(({ begun, from, to }) =>
    begun.refused === undefined ? [] : { address: begun.refused, from, to },
  );
}

export function leaderDeathsOf(episodes: readonly Episode[]): readonly number[] {
  return episodes.filter(({ begun }) => begun.endsLeader).map(({ from }) => from);
}

/** A drain that began while something was wrong may be given up so much later, and what was heard then may be acted on. */
const AFTERMATH_MS = 60_000;

export function harmsOf(episodes: readonly Episode[]): NonNullable<Evidence['harms']> {
  return (pod, from, to) => {
    const near = episodes.filter(episode => episode.from <= to && episode.to + AFTERMATH_MS >= from);
    return {
      own: near.some(({ begun }) => begun.harms?.(pod)),
      all: near.some(({ kind, begun }) => !kind.isBearable && begun.harms === undefined),
    };
  };
}

/** Whose reports were lies at some time between the two moments, or were so a while before. */
export function misledOf(
  episodes: readonly Episode[],
  records: readonly KubeletRecord[],
): NonNullable<Evidence['misled']> {
  const lies = episodes.filter(({ begun }) => begun.misleads);
  const places = new Map(records.map(record => [record.podUid, { ...record, address: record.podIp ?? '' }]));
  return (podUid, from, to) => {
    const pod = places.get(podUid);
    return lies.some(lie => lie.from <= to && lie.to + AFTERMATH_MS >= from && (!pod || lie.begun.harms?.(pod)));
  };
}

export function blindOf(episodes: readonly Episode[]): NonNullable<Evidence['isBlind']> {
  const blinding = episodes.filter(({ begun }) => begun.blinds);
  return (pod, from, to) =>
    blinding.some(episode => episode.from <= to && episode.to >= from && episode.begun.harms?.(pod));
}

/** One line for people. */
export function storyOf({ happening: { number, lastsMs }, begun }: Episode, atMs: number): string {
  const lasts = lastsMs > 0 ? ` for ${(lastsMs / 1_000).toFixed(1)} s` : '';
  return `${(atMs / 1_000).toFixed(1)} s, ${number}: ${begun.text}${lasts}`;
}
