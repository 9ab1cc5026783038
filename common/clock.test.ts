import { expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

const DAY_MS = 86_400_000;

test('a timer of many days fires after that many days, and not at once', () => {
  vi.useFakeTimers();
  try {
    let fired = 0;
    systemClock().schedule(30 * DAY_MS, () => {
      fired += 1;
    });
    const cancelled = systemClock().schedule(30 * DAY_MS, () => {
      fired += 10;
    });
    vi.advanceTimersByTime(29 * DAY_MS);
    expect(fired).toBe(0);
    cancelled.cancel();
    vi.advanceTimersByTime(DAY_MS);
    expect(fired).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
