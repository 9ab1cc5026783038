import { expect, test } from 'vitest';
import { CALIBRATED_LATENCY, LOOK_UPS_FOR_EXISTING_RULE, POLL_INTERVAL_MS } from './calibration.ts';
import { publishedFits } from './published-fits.ts';

const { growingTargets, before, leftForRuleMs } = publishedFits();
const { readMs, acceptMs, batchBaseMs, batchPerTargetMs, rulePerItemMs } = CALIBRATED_LATENCY;

test('a read takes what a look-up adds to each binding in the second column', () => {
  expect(readMs).toBeCloseTo(growingTargets.batchCalls.bindingMs - growingTargets.cheaperLookUps.bindingMs, 0);
});

test('a registration and its polls take what the first column does for each binding', () => {
  const twoLooks = acceptMs + readMs + POLL_INTERVAL_MS + readMs;
  expect(Math.abs(twoLooks / before.bindingMs - 1)).toBeLessThan(0.02);
});

test('the first of the two looks comes before the end of the task, the second after it', () => {
  const durationMs = batchBaseMs + batchPerTargetMs;
  const firstLookMs = acceptMs + readMs / 2;
  expect(durationMs).toBeGreaterThan(firstLookMs);
  expect(durationMs).toBeLessThan(firstLookMs + readMs + POLL_INTERVAL_MS);
});

test('a binding in a full batch takes what the third column does', () => {
  expect(batchPerTargetMs + batchBaseMs / 500).toBeCloseTo(growingTargets.cheaperLookUps.bindingMs, 1);
});

test('a created rule takes half of the most that the third column leaves for it', () => {
  expect(rulePerItemMs).toBeCloseTo(Math.min(...leftForRuleMs) / 2, 0);
});

test('the look-ups for an existing rule take what the first column does for it', () => {
  expect(Math.abs((LOOK_UPS_FOR_EXISTING_RULE * readMs) / before.existingRuleMs - 1)).toBeLessThan(0.02);
});
