import type { LatencyModel } from '../../sandbox/clb/settings.ts';

/**
 * The latencies of the CLB model, fitted once to the published tables. published-fits.ts computes the figures named here
 * from the tables, and calibration.test.ts holds the constants to them.
 *
 * 1. First table, each column: seconds = a × bindings + b × 200 rules. With cheaper look-ups a = 9.54 ms, b = 73 ms; with
 *    batch calls a = 107.4 ms, b = 180 ms; residuals at most 2.1 %. First column of both tables: a = 354 ms for each
 *    binding, b = 2.99 s for each rule that existed before. It cannot tell what a created rule takes, since 50 bindings
 *    come with each.
 * 2. `readMs`: with batch calls each binding pays one look-up that the third column does not: 107.4 − 9.54 = 98 ms.
 * 3. `acceptMs`: one registration and its polls take 354 ms. A poller that looks at once and then 100 ms after each answer
 *    takes accept + 98 + 100 + 98 ms, so 60 ms are left for the answer.
 * 4. `batchBaseMs`: the second of these looks (at 307 ms) found the task at its end, the first (at 109 ms) did not. The
 *    middle between the two is 208 ms; rounded to 200. The second column's b, 180 ms, says the same if it made one
 *    batch call for each rule.
 * 5. `batchPerTargetMs`: a binding's 9.54 ms hold its share of the call's base, at least 200 ÷ 500 = 0.4 ms.
 * 6. `rulePerItemMs`: the third column of the second table leaves 216 ms for each created rule besides its bindings at
 *    100 rules (and 365 ms at 400). CLB's own time is in that, so it is between 0 and 216 ms: the middle. `ruleBaseMs`:
 *    no column tells it; as `batchBaseMs`.
 */
export const CALIBRATED_LATENCY: LatencyModel = {
  readMs: 98,
  acceptMs: 60,
  batchBaseMs: 200,
  batchPerTargetMs: 9.14,
  // A call for one rule is a batch of its own as far as CLB's work goes.
  singleBaseMs: 200,
  singlePerTargetMs: 9.14,
  ruleBaseMs: 200,
  rulePerItemMs: 108,
  busyTailMaxMs: 0,
  // In no row: listeners and load balancers exist before.
  listenerBaseMs: 400,
  listenerPerItemMs: 50,
  createLoadBalancerMs: 10_000,
  deleteLoadBalancerMs: 3_000,
};

/** The pollers of the first two strategies look at once and then this long after each answer. */
export const POLL_INTERVAL_MS = 100;

/**
 * How the first strategy spends the 2.99 s for each rule that existed before: as look-ups, one after another. The
 * articles say only that most of the time is waiting for asynchronous interfaces.
 */
export const LOOK_UPS_FOR_EXISTING_RULE = 30;

/** A model fits a published figure when it is this near. */
export const FIT_TOLERANCE = 0.15;
