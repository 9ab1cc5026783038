import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { WorkQueue } from '../../common/work-queue.ts';
import { QueueMetrics } from './queue-metrics.ts';

function stand() {
  const registry = new Registry();
  const metrics = new QueueMetrics(registry);
  const clock = new VirtualClock();
  const queue = () =>
    new WorkQueue({
      clock,
      random: seededRandom(1),
      keysMax: 100,
      backoff: { initialMs: 10, maximumMs: 10 },
      observer: metrics.observer('gates'),
    });
  const samples = async () => (await registry.metrics()).split('\n').filter(line => line.includes('"gates"'));
  return { clock, queue, samples };
}

test('a queue shows what waits, what is in work and for how long', async () => {
  const { clock, queue, samples } = stand();
  const gates = queue();
  for (const key of ['a', 'b', 'c', 'a']) gates.add(key);
  await clock.advance(500);
  const { signal } = new AbortController();
  await gates.take(signal);
  await clock.advance(2_000);
  await gates.take(signal);
  await clock.advance(1_000);
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_workqueue_depth{queue="gates"} 1',
      'clb_direct_workqueue_unfinished_work_seconds{queue="gates"} 4',
      'clb_direct_workqueue_longest_running_processor_seconds{queue="gates"} 3',
      'clb_direct_workqueue_adds_total{queue="gates"} 4',
      'clb_direct_workqueue_queue_duration_seconds_sum{queue="gates"} 3',
    ]),
  );
  gates.retry('a');
  gates.done('a');
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_workqueue_retries_total{queue="gates"} 1',
      'clb_direct_workqueue_work_duration_seconds_sum{queue="gates"} 3',
    ]),
  );
});

test('the queue of the next term takes the place of the last one', async () => {
  const { queue, samples } = stand();
  queue().add('a');
  queue();
  expect(await samples()).toContain('clb_direct_workqueue_depth{queue="gates"} 0');
});
