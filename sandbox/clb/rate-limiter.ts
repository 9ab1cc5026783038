const WINDOW_MS = 1_000;

/** At most so many calls of one action in any second; refused calls do not count. */
export class RateLimiter {
  readonly #accepted = new Map<string, number[]>();

  accepts(action: string, now: number, requestsPerSecond: number): boolean {
    const recent = (this.#accepted.get(action) ?? []).filter(at => at > now - WINDOW_MS);
    this.#accepted.set(action, recent);
    if (recent.length >= requestsPerSecond) return false;
    recent.push(now);
    return true;
  }
}
