/** PromQL of the dashboards. Every selector is held to the instances that the variable `namespace` chooses. */

const OURS = 'namespace=~"$namespace"';

/** @param name without the prefix `clb_direct_` */
export function metric(name: string, ...matchers: readonly string[]): string {
  return `clb_direct_${name}{${[OURS, ...matchers].join(', ')}}`;
}

/** Per second, over a time that fits the zoom. */
export function rate(name: string, ...matchers: readonly string[]): string {
  return `rate(${metric(name, ...matchers)}[$__rate_interval])`;
}

export function sum(expression: string, ...by: readonly string[]): string {
  return aggregate('sum', expression, by);
}

export function max(expression: string, ...by: readonly string[]): string {
  return aggregate('max', expression, by);
}

export function min(expression: string, ...by: readonly string[]): string {
  return aggregate('min', expression, by);
}

/** Of many kinds those alone that there is something of; `none` when there is nothing of any. */
export function present(expression: string, label: string): string {
  return `(${expression} > 0) or label_replace(vector(0), "${label}", "none", "", "")`;
}

interface Distribution {
  /** A histogram without the prefix and without `_bucket`. */
  readonly name: string;
  readonly by?: readonly string[];
  readonly matchers?: readonly string[];
  /** Instead of the zoom's own. */
  readonly window?: string;
}

/** @param share 0.99 for the 99th percentile */
export function quantile(share: number, distribution: Distribution): string {
  const { name, by = [], matchers = [], window = '$__rate_interval' } = distribution;
  const buckets = sum(`rate(${metric(`${name}_bucket`, ...matchers)}[${window}])`, 'le', ...by);
  return `histogram_quantile(${share}, ${buckets})`;
}

export function mean({ name, by = [], matchers = [], window = '$__rate_interval' }: Distribution): string {
  const part = (suffix: string) => sum(`rate(${metric(`${name}_${suffix}`, ...matchers)}[${window}])`, ...by);
  return `${part('sum')} / ${part('count')}`;
}

function aggregate(operator: string, expression: string, by: readonly string[]): string {
  return by.length === 0 ? `${operator}(${expression})` : `${operator} by (${by.join(', ')}) (${expression})`;
}
