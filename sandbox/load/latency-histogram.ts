const SMALLEST_MS = 0.01;
/** Each bucket is this much wider than the one before, which bounds the error of a quantile. */
const GROWTH = 1.01;

/** Latencies in buckets of 1 % width: constant memory, whatever the length of a run. */
export class LatencyHistogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  record(latencyMs: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(latencyMs, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH)));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
  }

  /** The latency that `share` (0 to 1) of all do not exceed, rounded up by at most 1 %; 0 when there are none. */
  quantileMs(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.#total));
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return SMALLEST_MS * GROWTH ** bucket;
    }
    return 0;
  }
}
