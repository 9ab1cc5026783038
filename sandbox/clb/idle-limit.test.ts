import { expect, it } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { idleLimit } from './idle-limit.ts';

it('calls once nothing has moved for long enough, and not if it was cancelled', async () => {
  const clock = new VirtualClock();
  const idleAt: number[] = [];
  const limit = idleLimit(clock, 100, () => idleAt.push(clock.now()));
  const cancelled = idleLimit(clock, 100, () => expect.unreachable('it was cancelled'));
  await clock.advance(60);
  limit.touch();
  cancelled.touch();
  await clock.advance(60);
  cancelled.cancel();
  await clock.advance(1_000);
  expect(idleAt).toEqual([160]);
});
