import { expect, test } from 'vitest';
import { afterProbe, type ProbeState, UNPROBED } from './probe.ts';

function after(results: string, probe: { successThreshold?: number; failureThreshold?: number }): boolean | undefined {
  const judge = (state: ProbeState, result: string) => afterProbe(state, result === '+', probe);
  return [...results].reduce(judge, UNPROBED).isPassing;
}

test.each([
  { results: '+', probe: {}, isPassing: true },
  { results: '--', probe: {}, isPassing: undefined },
  { results: '---', probe: {}, isPassing: false },
  { results: '+--', probe: {}, isPassing: true },
  { results: '+--+--', probe: {}, isPassing: true },
  { results: '+-', probe: { failureThreshold: 1 }, isPassing: false },
  { results: '-+', probe: { failureThreshold: 1, successThreshold: 2 }, isPassing: false },
  { results: '-++', probe: { failureThreshold: 1, successThreshold: 2 }, isPassing: true },
])('$results under $probe counts as passing: $isPassing', ({ results, probe, isPassing }) => {
  expect(after(results, probe)).toBe(isPassing);
});
