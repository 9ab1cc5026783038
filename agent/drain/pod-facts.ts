import { APPLICATION_GRACE_ANNOTATION, DRAIN_SECONDS_ANNOTATION, MINIMUM_HOLD_ANNOTATION } from '../../common/names.ts';
import { allContainersExited } from '../../common/pod-ends.ts';
import type { PodRecord } from '../../common/pod-record.ts';

/** What a drain needs to know about its Pod. */
export interface PodFacts {
  /** As the user wrote it; undefined when missing or not a whole number of seconds. */
  readonly drainSeconds: number | undefined;
  /** The grace period that the application asked for, before the drain's share was added; undefined if nobody wrote it. */
  readonly applicationGraceSeconds: number | undefined;
  /** No call is answered sooner while containers run; undefined if nobody asks for it. */
  readonly minimumHoldSeconds: number | undefined;
  /** Of the deletion; undefined while none was seen. */
  readonly deletionGraceSeconds: number | undefined;
  readonly haveContainersExited: boolean;
}

export function podFacts(pod: PodRecord): PodFacts {
  const { annotations, deletion } = pod;
  return {
    drainSeconds: wholeSeconds(annotations[DRAIN_SECONDS_ANNOTATION]),
    applicationGraceSeconds: wholeSeconds(annotations[APPLICATION_GRACE_ANNOTATION]),
    minimumHoldSeconds: wholeSeconds(annotations[MINIMUM_HOLD_ANNOTATION]),
    deletionGraceSeconds: deletion?.gracePeriodSeconds,
    haveContainersExited: allContainersExited(pod),
  };
}

function wholeSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}
