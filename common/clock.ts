/**
 * Time as a parameter. Everything that waits takes a `Clock`, so that a whole run can be replayed in virtual time
 * (design section 3). Nothing else in the tree may touch Date, performance or the timers of Node.
 */

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin. All durations and deadlines are measured with it. */
  now(): number;
  /** Milliseconds since the Unix epoch; only for timestamps that other systems read. */
  wallNow(): number;
  /** Calls `callback` once, after `delayMs` (>= 0) or later. */
  schedule(delayMs: number, callback: () => void): Timer;
}

/** 24 days. Node fires a timer with a longer delay at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The clock of the machine. */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    schedule(delayMs, callback) {
      let handle: NodeJS.Timeout;
      const arm = (leftMs: number) => {
        const stepMs = Math.min(leftMs, TIMEOUT_MS_MAX);
        handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs);
      };
      arm(delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

/**
 * Resolves after `delayMs`.
 * @throws the signal's reason as soon as it aborts; the timer and the listener are gone by then.
 */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
