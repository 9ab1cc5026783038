import type { PodProfile } from '../kube/pod-profile.ts';
import { DEFAULT_INJECTION_POLICY } from '../webhook/inject.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** The least that the agent leaves to an application that asks for nothing (design, Budgets). */
const APPLICATION_SECONDS_MIN = 2;

/** The Pods' grace period ends before their drain may, so that the hook returns with connections left. */
export function shortGrace(
  service: ServiceIntent['service'],
  { isHooked, graceSeconds, drainSeconds, applicationSeconds = APPLICATION_SECONDS_MIN }: PodProfile,
): Problem | undefined {
  const { drainSecondsDefault, drainSecondsMax } = DEFAULT_INJECTION_POLICY;
  const drain = Math.min(drainSeconds || drainSecondsDefault, drainSecondsMax);
  const share = Math.max(APPLICATION_SECONDS_MIN, applicationSeconds);
  const left = Math.max(0, graceSeconds - share);
  if (!isHooked || left >= drain) return undefined;
  return problem(
    'CD1034',
    `${ownerName(service)}: its Pods are to be drained for up to ${drain} s, and their terminationGracePeriodSeconds of ` +
      `${graceSeconds} leaves ${left} s for that. Set it to ${drain + share} or more, or lower clb-direct.io/drain-seconds.`,
  );
}
