import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

test('quantiles are right to one percent', () => {
  const histogram = new LatencyHistogram();
  for (let latencyMs = 1; latencyMs <= 1000; latencyMs += 1) histogram.record(latencyMs);
  for (const [share, expected] of [
    [0.5, 500],
    [0.99, 990],
    [1, 1000],
  ] as const) {
    expect(histogram.quantileMs(share)).toBeGreaterThanOrEqual(expected * 0.999);
    expect(histogram.quantileMs(share)).toBeLessThanOrEqual(expected * 1.011);
  }
});

test('without a value every quantile is 0', () => expect(new LatencyHistogram().quantileMs(0.5)).toBe(0));
