import type { StateGauges } from './state-gauges.ts';

/** A replica of a cluster in which nothing is. */
export const IDLE_STATE: StateGauges = {
  leading: false,
  hasLeader: false,
  term: 0,
  leaseLeftMs: 0,
  sessionAgesMs: [],
  nodes: 0,
  silentForMs: [],
  lanes: 0,
  queued: new Map(),
  oldestWaitMs: 0,
  transactions: 0,
  targets: new Map(),
  unhealthy: 0,
  leftOut: 0,
  fullestRuleRatio: 0,
  mismatched: new Map(),
  gateWaits: new Map(),
  held: new Map(),
  drains: 0,
  announced: new Map(),
  lostNodes: 0,
  isLossHeld: false,
  watchedNodes: 0,
};
