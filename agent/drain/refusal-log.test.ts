import { expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { RefusalLog } from './refusal-log.ts';

test('of ten thousand calls of one kind one line a minute is logged, with their number', async () => {
  const clock = new VirtualClock();
  const log = new CollectingLogger();
  const refusals = new RefusalLog({ clock, log });
  for (let call = 0; call < 10_000; call += 1) refusals.refused('no-pod-named', { sourcePort: call });
  refusals.refused('malformed', {});
  await clock.advance(60_000);
  refusals.refused('no-pod-named', { sourcePort: 1 });
  expect(log.records.map(({ fields }) => fields)).toEqual([
    { reason: 'no-pod-named', sourcePort: 0, others: 0 },
    { reason: 'malformed', others: 0 },
    { reason: 'no-pod-named', sourcePort: 1, others: 9_999 },
  ]);
});
