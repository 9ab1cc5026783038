import type { Pod } from '../../../common/kube/objects.ts';

/** SIGKILL comes no sooner after SIGTERM, however little is left (minimumGracePeriodInSeconds of the kubelet). */
const MINIMUM_TERM_SECONDS = 2;
/** Forced deletions (0 seconds) get this much all the same. */
const MINIMUM_GRACE_SECONDS = 1;
const DEFAULT_GRACE_SECONDS = 30;

/** How long the Pod's containers have, hook and SIGTERM together, when the Pod is deleted. */
export function deletionGraceSeconds(pod: Pod): number {
  const seconds = pod.metadata.deletionGracePeriodSeconds ?? restartGraceSeconds(pod);
  return Math.max(MINIMUM_GRACE_SECONDS, seconds);
}

/** How long a container has that is restarted while its Pod stays. */
export function restartGraceSeconds(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

/** From SIGTERM to SIGKILL: what the hook left of the grace period, counted in whole seconds. */
export function termLimitMs(graceSeconds: number, hookMs: number): number {
  return Math.max(MINIMUM_TERM_SECONDS, graceSeconds - Math.floor(hookMs / 1000)) * 1000;
}
