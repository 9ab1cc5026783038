import { isOpen } from './floor.ts';
import type { RuleTarget } from './rule-state.ts';

/**
 * Make before break (law L2). What a changed selector, target port or weight puts out of use leaves only as what takes
 * its place comes to serve.
 */

/** Design section 4: after this a switch no longer waits for the new targets to serve. */
export const SWITCH_MS = 120_000;
/** How long a closed binding stays of which nobody tells when its connections have ended, so that they can. */
export const CLOSED_DRAIN_MS = 30_000;

/**
 * Whether a closing takes nothing away: as many targets stay open as had weight when the switch began, so that for this
 * one a new one serves. Such a closing is no loss of capacity, and the brake, which bounds the loss, has nothing to
 * bound. Everything that goes beyond is braked like other weak evidence: the switch to fewer or to slow Pods, and every
 * switch of which a new leader does not know the beginning.
 * @param openLeft targets that are open after the closing
 * @param capacity targets that had weight when the switch began
 */
export function isReplaced(openLeft: number, capacity: number | undefined): boolean {
  return capacity !== undefined && openLeft >= capacity;
}

/** Whether all that shall serve does, or as much; true when nothing shall. */
export function isMade(candidates: readonly RuleTarget[], openLeft: number): boolean {
  return candidates.length === 0 || (candidates.some(isOpen) && openLeft >= candidates.length);
}
