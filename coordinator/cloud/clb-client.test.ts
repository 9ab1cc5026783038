import { describe, expect, test } from 'vitest';
import { never, RUNNING, SUCCEEDED, setUp, target } from './clb-cloud.fixture.ts';
import type { CallPriority, Cloud } from './types.ts';

describe('priorities', () => {
  type Call = (cloud: Cloud, id: string, priority?: CallPriority) => unknown;

  test.each<[string, Call]>([
    ['DescribeListeners', (cloud, id, priority) => cloud.describeListeners(id, never, priority)],
    ['DescribeTargets', (cloud, id, priority) => cloud.describeTargets(id, ['lbl-1'], never, priority)],
    ['DescribeTargetHealth', (cloud, id, priority) => cloud.describeTargetHealth([id], never, priority)],
    ['BatchModifyTargetWeight', (cloud, id, priority) => cloud.modifyWeights(id, [target(1)], never, priority)],
  ])('an urgent %s passes before the normal and background ones that wait', async (action, call) => {
    const { clock, cloud, transport } = setUp(() => SUCCEEDED);
    for (let index = 0; index < 20; index += 1) {
      call(cloud, 'lb-1');
      call(cloud, 'lb-2', 'background');
    }
    await clock.advance(500);
    const before = transport.parametersOf(action).length;
    call(cloud, 'lb-urgent', 'urgent');
    await clock.advance(120);
    const passed = transport
      .parametersOf(action)
      .slice(before)
      .map(parameters => JSON.stringify(parameters));
    expect(passed.some(parameters => parameters.includes('lb-urgent'))).toBe(true);
    expect(cloud.waiting('normal')).toBeGreaterThan(0);
    expect(cloud.waiting('background')).toBeGreaterThan(0);
  });

  test('the task of an urgent change of weights is asked for urgently, too', async () => {
    const limits = { requestsPerSecond: 1, burst: 1 };
    const slow = setUp(
      ({ action, at }) => (action === 'DescribeTaskStatus' && at < 10_000 ? RUNNING : SUCCEEDED),
      limits,
    );
    for (let index = 0; index < 5; index += 1) void slow.cloud.deleteLoadBalancer(`lb-${index}`, never);
    await slow.clock.advance(5000);
    void slow.cloud.modifyWeights('lb-1', [target(1)], never, 'urgent');
    await slow.clock.advance(1300);
    const asked = slow.transport.parametersOf('DescribeTaskStatus').map(parameters => parameters.TaskId);
    const changed = slow.transport.calls.findIndex(call => call.action === 'BatchModifyTargetWeight');
    expect(asked).toContain(`request-${changed + 1}`);
  });
});
