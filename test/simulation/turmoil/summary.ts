import type { SeedResult } from './seed-result.ts';

/** What came of many seeds. */
export class Summary {
  #seeds = 0;
  #clean = 0;
  #events = 0;
  #virtualMs = 0;
  #sent = 0;
  #lost = 0;
  #excused = 0;
  readonly #counts = new Map<string, number>();
  readonly #laws = new Map<string, number[]>();

  get seeds(): number {
    return this.#seeds;
  }

  get isClean(): boolean {
    return this.#clean === this.#seeds;
  }

  add({ report }: SeedResult): void {
    this.#seeds += 1;
    this.#events += report.events;
    this.#virtualMs += report.virtualMs;
    this.#sent += report.sent;
    this.#lost += report.lost;
    this.#excused += report.excused;
    for (const [kind, count] of Object.entries(report.counts)) {
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
    }
    const laws = new Set(report.breaches.map(({ law }) => law));
    if (laws.size === 0) this.#clean += 1;
    for (const law of laws) this.#laws.set(law, [...(this.#laws.get(law) ?? []), report.seed]);
  }

  /** The process that played the seed ended over it, so that nothing is known of it. */
  addDeath(seed: number): void {
    this.#seeds += 1;
    this.#laws.set('none, but died', [...(this.#laws.get('none, but died') ?? []), seed]);
  }

  /** @param tookMs of the real clock */
  text(tookMs: number): string {
    const perMinute = (this.#seeds / tookMs) * 60_000;
    const happened = [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const broken = [...this.#laws].map(
      ([law, seeds]) => `  ${law}: ${seeds.length} seeds (${seeds.slice(0, 10).join(', ')})`,
    );
    return [
      `${this.#clean} of ${this.#seeds} seeds clean, ${perMinute.toFixed(0)} a minute`,
      `${(this.#virtualMs / 3_600_000).toFixed(1)} virtual hours, ${this.#events} events`,
      `${this.#sent} requests sent, ${this.#lost} lost, ${this.#excused} of them for a reason that no system bears`,
      'what happened:',
      ...happened.map(([kind, count]) => `  ${String(count).padStart(7)} ${kind}`),
      ...(broken.length > 0 ? ['laws broken:', ...broken] : ['no law broken']),
    ].join('\n');
  }
}
