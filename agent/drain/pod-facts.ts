import { APPLICATION_GRACE_ANNOTATION, DRAIN_SECONDS_ANNOTATION, MINIMUM_HOLD_ANNOTATION } from '../../common/names.ts';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';

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

export function podFacts({ annotations, deletion, containers }: PodRecord): PodFacts {
  return {
    drainSeconds: wholeSeconds(annotations[DRAIN_SECONDS_ANNOTATION]),
    applicationGraceSeconds: wholeSeconds(annotations[APPLICATION_GRACE_ANNOTATION]),
    minimumHoldSeconds: wholeSeconds(annotations[MINIMUM_HOLD_ANNOTATION]),
    deletionGraceSeconds: deletion?.gracePeriodSeconds,
    haveContainersExited: containers.length > 0 && containers.every(({ state }) => state === ContainerState.EXITED),
  };
}

function wholeSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}
