import { type Random, randomInteger, seededRandom } from '../../../common/random.ts';
import { pick } from '../pick.ts';
import type { Happening, Kind, Kinds } from './trouble.ts';

/** How often something happens, on the average; each seed has its own pace. */
const GAP_MS = [2_000, 5_000, 12_000, 30_000];
/** Which part of all kinds a seed knows: the fewer, the more of each. */
const VARIETY = [0.15, 0.4, 1];
/** Of seeds, those in which nothing excuses a lost request. */
const BEARABLE_SHARE = 0.25;
const SEED_MAX = 0x7fff_ffff;

interface DrawOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** What users do: it happens all the time. */
  readonly changes: Kinds;
  readonly troubles: Kinds;
}

/** Everything that happens in a run of this seed, in order. */
export function drawHappenings({ seed, durationMs, changes, troubles }: DrawOptions): readonly Happening[] {
  const random = seededRandom(seed);
  const isBearable = random.next() < BEARABLE_SHARE;
  const all = Object.entries(troubles);
  const bearable = all.filter(([, kind]) => kind.isBearable);
  const known = isBearable && bearable.length > 0 ? bearable : all;
  const variety = pick(random, VARIETY);
  const some = known.filter(() => random.next() < variety);
  const drawn = [
    ...drawSeries(random, durationMs, Object.entries(changes)),
    ...drawSeries(random, durationMs, some.length > 0 ? some : known),
  ];
  return drawn.toSorted((a, b) => a.atMs - b.atMs).map((happening, index) => ({ ...happening, number: index + 1 }));
}

function drawSeries(
  random: Random,
  durationMs: number,
  kinds: readonly (readonly [string, Kind])[],
): Omit<Happening, 'number'>[] {
  const pot = kinds.flatMap(entry => Array<typeof entry>(entry[1].share).fill(entry));
  const gapMs = pick(random, GAP_MS);
  const drawn: Omit<Happening, 'number'>[] = [];
  for (let atMs = nextMs(random, gapMs); atMs < durationMs; atMs += nextMs(random, gapMs)) {
    const [name, kind] = pick(random, pot);
    const lastsMs = Math.min(randomInteger(random, ...kind.lastsMs), durationMs - atMs);
    drawn.push({ atMs, lastsMs, kind: name, seed: randomInteger(random, 1, SEED_MAX) });
  }
  return drawn;
}

function nextMs(random: Random, meanMs: number): number {
  return randomInteger(random, 0, 2 * meanMs);
}
