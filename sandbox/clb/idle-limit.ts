import type { Clock } from '../../common/clock.ts';

export interface IdleLimit {
  /** Something moved: the time begins anew. */
  touch(): void;
  cancel(): void;
}

/** Calls `onIdle` once, as soon as nothing has moved for `limitMs`. */
export function idleLimit(clock: Clock, limitMs: number, onIdle: () => void): IdleLimit {
  let movedAt = clock.now();
  const look = () => {
    const leftMs = movedAt + limitMs - clock.now();
    if (leftMs <= 0) onIdle();
    else timer = clock.schedule(leftMs, look);
  };
  let timer = clock.schedule(limitMs, look);
  return {
    touch: () => {
      movedAt = clock.now();
    },
    cancel: () => timer.cancel(),
  };
}
