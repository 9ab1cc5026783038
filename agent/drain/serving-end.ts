import { aborted } from '../../common/aborted.ts';
import { type Clock, sleep } from '../../common/clock.ts';

export interface ServingEndOptions {
  readonly clock: Clock;
  /** Reads the node's redirect rule anew; `isSuperseded` then tells of now. */
  readonly lookAtRedirect: () => Promise<void>;
  /** New calls go to a younger agent. */
  readonly isSuperseded: () => boolean;
  readonly callsHeld: () => number;
  readonly hookedPods: () => number;
  readonly isNodeEnding: () => boolean;
}

const LOOK_INTERVAL_MS = 500;
/** What was led here before the rule changed has arrived and been accepted by then, the first repetition included. */
const LAST_ARRIVALS_MS = 1_500;

/**
 * Resolves when the drain server may stop accepting calls: some time after `stopping` aborted. One whose calls go to a
 * younger agent stops once the last of its own have arrived; any other when it holds none, since calls that nobody
 * accepts are not held; and on a node that goes down only when no Pod is left that could call. What ends an agent whose
 * calls never end is its own grace period.
 */
export async function untilServingEnds(options: ServingEndOptions, stopping: AbortSignal): Promise<void> {
  const { clock } = options;
  // The kubelet's SIGKILL ends these waits; nothing else may.
  const never = new AbortController().signal;
  await aborted(stopping);
  await options.lookAtRedirect();
  while (!options.isSuperseded()) {
    const isNeeded = options.isNodeEnding() && options.hookedPods() > 0;
    if (options.callsHeld() === 0 && !isNeeded) return;
    await sleep(clock, LOOK_INTERVAL_MS, never);
    await options.lookAtRedirect();
  }
  await sleep(clock, LAST_ARRIVALS_MS, never);
}
