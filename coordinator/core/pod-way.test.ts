import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ENTRY_STAGES, EXIT_STAGES, stageDurations } from './pod-way.ts';

test('each stage has what it added', () => {
  const reached = {
    hook: 1_100,
    'weight-zero': 1_400,
    'connections-ended': 5_400,
    deregistered: 5_700,
    answered: 5_710,
  };
  expect(stageDurations(EXIT_STAGES, 1_000, reached)).toEqual([
    { stage: 'hook', durationMs: 100 },
    { stage: 'weight-zero', durationMs: 300 },
    { stage: 'connections-ended', durationMs: 4_000 },
    { stage: 'deregistered', durationMs: 300 },
    { stage: 'answered', durationMs: 10 },
  ]);
});

test('what was over before an earlier stage added nothing: a health check that passed while the containers became ready', () => {
  const reached = { merged: 10, accepted: 200, 'containers-ready': 9_000, healthy: 4_000, open: 9_300, gate: 9_400 };
  const durations = stageDurations(ENTRY_STAGES, 0, reached);
  expect(durations.map(({ durationMs }) => durationMs)).toEqual([10, 190, 8_800, 0, 300, 100]);
});

test('a stage that was never reached ends the way, whatever came after', () => {
  const durations = stageDurations(EXIT_STAGES, 0, { hook: 5, 'weight-zero': 90, answered: 30_000 });
  expect(durations.map(({ stage }) => stage)).toEqual(['hook', 'weight-zero']);
});

test('the stages of a whole way sum up to it, in whatever order they were reached', () => {
  const moment = fc.integer({ min: 0, max: 100_000 });
  const reached = fc.record({ hook: moment, 'weight-zero': moment, 'connections-ended': moment, deregistered: moment });
  fc.assert(
    fc.property(reached, moment, (moments, beganAt) => {
      const answered = Math.max(beganAt, ...Object.values(moments));
      const durations = stageDurations(EXIT_STAGES, beganAt, { ...moments, answered });
      expect(durations.every(({ durationMs }) => durationMs >= 0)).toBe(true);
      expect(durations.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBe(answered - beganAt);
    }),
  );
});
