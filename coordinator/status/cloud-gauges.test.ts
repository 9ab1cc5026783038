import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerCloudGauges } from './cloud-gauges.ts';

test('the gauges of the cloud tell what is true when they are scraped', async () => {
  const registry = new Registry();
  const rates = new Map<string, number>();
  registerCloudGauges(registry, { rates: () => rates, waiting: priority => (priority === 'urgent' ? 3 : 0) });
  rates.set('DescribeTargets', 4.5);
  const text = await registry.metrics();
  expect(text).toContain('clb_direct_cloud_rate_limit_calls_per_second{action="DescribeTargets"} 4.5');
  expect(text).toContain('clb_direct_cloud_calls_waiting{priority="urgent"} 3');
  expect(text).toContain('clb_direct_cloud_calls_waiting{priority="background"} 0');
});
