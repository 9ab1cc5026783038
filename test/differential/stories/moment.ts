/** What happened when, to the containers of a Pod and to the Pod itself. */
export interface Moment {
  /** `web started`, `web TERM`, `web exited 0`, `deletion`, `gone`, `GET /hook` … */
  readonly what: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** From one moment to another. What happens again is called `web started #2`, `#3` and so on. */
export type Gap = readonly [from: string, to: string, pace?: 'loose'];

/** `none` where a moment is missing. */
export interface MeasuredGap {
  readonly ms: number | 'none';
  /** Two gaps that are apart by more are not the same. */
  readonly withinMs: number;
}

/** What one process waits for another is on time, on a loaded machine too. */
const strictMs = 1_000;
/** When a kubelet comes to something is not. */
const looseMs = 8_000;

/** By their names. */
export function gapsOf(moments: readonly Moment[], gaps: readonly Gap[]): Record<string, MeasuredGap> {
  const times = timesOf(moments);
  const measured = ([from, to, pace]: Gap): MeasuredGap => {
    const [begin, end] = [times.get(from), times.get(to)];
    const ms = begin === undefined || end === undefined ? 'none' : Math.round(end - begin);
    return { ms, withinMs: pace === 'loose' ? looseMs : strictMs };
  };
  return Object.fromEntries(gaps.map(gap => [gap.slice(0, 2).join(' … '), measured(gap)]));
}

function timesOf(moments: readonly Moment[]): Map<string, number> {
  const times = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { what, atMs } of [...moments].sort((left, right) => left.atMs - right.atMs)) {
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    times.set(count === 1 ? what : `${what} #${count}`, atMs);
  }
  return times;
}

type Gaps = Readonly<Record<string, MeasuredGap>>;

/** `theirs`, with each gap that is near enough to ours set to ours. */
export function alike(ours: Gaps, theirs: Gaps): Gaps {
  return Object.fromEntries(
    Object.entries(theirs).map(([name, gap]) => {
      const own = ours[name]?.ms ?? 'none';
      const isNear = own !== 'none' && gap.ms !== 'none' && Math.abs(own - gap.ms) <= gap.withinMs;
      return [name, isNear ? { ...gap, ms: own } : gap];
    }),
  );
}

/** What happened to each container, in order: the moments are called after it. */
export function deedsOf(moments: readonly Moment[], containers: readonly string[]): Record<string, readonly string[]> {
  const inOrder = [...moments].sort((left, right) => left.atMs - right.atMs);
  const ownOf = (name: string) => inOrder.filter(({ what }) => what.startsWith(`${name} `));
  return Object.fromEntries(containers.map(name => [name, ownOf(name).map(({ what }) => what.slice(name.length + 1))]));
}
