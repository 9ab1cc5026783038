import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { Pulses } from './pulses.ts';

test('a part that goes round is well, one that stopped a minute ago hangs', async () => {
  const clock = new VirtualClock();
  const pulses = new Pulses(clock);
  const beat = pulses.follow('one');
  pulses.follow('other');
  await clock.advance(30_000);
  beat();
  await clock.advance(29_999);
  expect(pulses.stuck()).toEqual([]);
  await clock.advance(1);
  expect(pulses.stuck()).toEqual(['other did nothing for 60 s']);
});
