import { describe, expect, test } from 'vitest';
import { CALIBRATED, HARSHER } from './cloud-model.ts';
import { floorMs } from './floor.ts';
import { runPublished } from './published.ts';
import { workloadOf } from './published-rows.ts';
import { runOnSite } from './site.ts';
import { STRATEGIES } from './strategies.ts';

const GROWING_TARGETS = { grows: 'targets', rules: 4, targets: 6 } as const;
const GROWING_RULES = { grows: 'rules', rules: 60, targets: 2 } as const;

describe.each([CALIBRATED, HARSHER])('on the $name model', model => {
  test.each(STRATEGIES)('$name binds new targets of old rules, and new rules', async ({ run }) => {
    for (const row of [GROWING_TARGETS, GROWING_RULES]) {
      const workload = workloadOf(row);
      expect(await runOnSite(workload, { model, seed: 1 }, run)).toBeGreaterThan(0);
    }
  });
});

test("the floor is CLB's own time for the fewest calls", () => {
  const { batchBaseMs, batchPerTargetMs, ruleBaseMs, rulePerItemMs } = CALIBRATED.latency;
  const latency = CALIBRATED.latency;
  expect(floorMs(workloadOf({ grows: 'targets', rules: 200, targets: 10 }), latency)).toBeCloseTo(
    4 * batchBaseMs + 1_800 * batchPerTargetMs,
  );
  // Rule 0 exists, so that 49 more fit on its listener and 50 on each of the next.
  expect(floorMs(workloadOf({ grows: 'rules', rules: 120, targets: 5 }), latency)).toBeCloseTo(
    3 * ruleBaseMs + 119 * rulePerItemMs + 2 * batchBaseMs + 595 * batchPerTargetMs,
  );
});

test('a row that takes longer than published is a missed goal', async () => {
  const seconds = { before: 1, batchCalls: 1, cheaperLookUps: 0.1 };
  const { json, missedGoals } = await runPublished({ say: () => undefined }, [{ ...GROWING_TARGETS, seconds }]);
  expect(json).toMatchObject({ rows: [{ strategy: 'one-call-each', publishedSeconds: 1 }, {}, {}] });
  expect(missedGoals).toContainEqual(expect.stringContaining('not less than the published 0.1 s'));
});
