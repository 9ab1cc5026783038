import type { LatencyModel } from '../../sandbox/clb/settings.ts';
import type { Workload } from './published-rows.ts';
import { RULES_PER_LISTENER } from './site.ts';

/** CLB: at most 500 targets in a batch call. */
const BATCH_TARGETS_MAX = 500;

/**
 * What CLB itself needs for the writes of a row, one after another: as few calls as its limits allow, all rules of a
 * listener in one call, and after each call the mean busy tail. Reads, polls and everything that a controller does between
 * two writes are not in it.
 */
export function floorMs(workload: Workload, latency: LatencyModel): number {
  const { bindings, existingRules, createdRules } = workload;
  const listeners = listenersOf(existingRules, createdRules);
  return writesMs(bindings, BATCH_TARGETS_MAX, latency) + ruleWritesMs(createdRules, listeners, latency);
}

/** Listeners on which rules are created. */
function listenersOf(existingRules: number, createdRules: number): number {
  if (createdRules === 0) return 0;
  const first = Math.floor(existingRules / RULES_PER_LISTENER);
  const last = Math.floor((existingRules + createdRules - 1) / RULES_PER_LISTENER);
  return last - first + 1;
}

function writesMs(targets: number, targetsPerCall: number, latency: LatencyModel): number {
  const { batchBaseMs, batchPerTargetMs, busyTailMaxMs } = latency;
  const calls = Math.ceil(targets / targetsPerCall);
  // The tail is drawn evenly from 0 to its maximum, which is for 500 targets.
  const meanTailMs = (busyTailMaxMs * targets) / BATCH_TARGETS_MAX / 2;
  return calls * batchBaseMs + targets * batchPerTargetMs + meanTailMs;
}

function ruleWritesMs(rules: number, calls: number, latency: LatencyModel): number {
  const meanTailMs = (latency.busyTailMaxMs * rules) / BATCH_TARGETS_MAX / 2;
  return calls * latency.ruleBaseMs + rules * latency.rulePerItemMs + meanTailMs;
}
