import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const PREFIX = 'clb_direct_agent_';

/** Makes the agent's instruments: names without the common prefix, in base units. */
export interface Meter {
  counter(name: string, help: string, ...labelNames: string[]): Counter<string>;
  gauge(name: string, help: string, ...labelNames: string[]): Gauge<string>;
  /** `buckets` are upper bounds, in the unit that the name ends with. */
  histogram(name: string, help: string, buckets: readonly number[], ...labelNames: string[]): Histogram<string>;
  /** A gauge that is filled anew at each scrape, so that it holds nothing that is no longer so. */
  scraped(name: string, help: string, fill: (gauge: Gauge<string>) => void, ...labelNames: string[]): void;
  /** A counter whose whole value somebody else keeps. */
  total(name: string, help: string, read: () => number): void;
}

export function meter(registry: Registry): Meter {
  const registers = [registry];
  return {
    counter: (name, help, ...labelNames) => new Counter({ name: PREFIX + name, help, labelNames, registers }),
    gauge: (name, help, ...labelNames) => new Gauge({ name: PREFIX + name, help, labelNames, registers }),
    histogram: (name, help, buckets, ...labelNames) =>
      new Histogram({ name: PREFIX + name, help, buckets: [...buckets], labelNames, registers }),
    scraped: (name, help, fill, ...labelNames) => {
      new Gauge({
        name: PREFIX + name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          fill(this);
        },
      });
    },
    total: (name, help, read) => {
      new Counter({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
  };
}
