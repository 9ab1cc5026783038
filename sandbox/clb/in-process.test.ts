import { expect, it } from 'vitest';
import { inProcessClb } from './in-process.ts';
import { fixture, recordsOf, targets, withListener } from './server-fixture.ts';

it('a call that is given up goes on: the write is done all the same', async () => {
  const clb = fixture();
  const { loadBalancerId, listenerId } = await withListener(clb);
  const controller = new AbortController();
  const call = inProcessClb(clb.server);
  const batch = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 100) };
  const given = call('BatchRegisterTargets', batch, controller.signal);
  const outcome = expect(given).rejects.toThrow('deadline');
  await clb.clock.advance(100);
  controller.abort(new Error('deadline'));
  await outcome;
  await clb.clock.advance(5_000);
  expect(recordsOf(clb.server, 'change').at(-1)?.changes).toHaveLength(100);
});

it('an answer that never ends is one that never comes', async () => {
  const clb = fixture();
  clb.server.faults.add({ action: 'DescribeQuota', kind: 'drip-reply' });
  const controller = new AbortController();
  let isSettled = false;
  const given = inProcessClb(clb.server)('DescribeQuota', {}, controller.signal).finally(() => {
    isSettled = true;
  });
  const outcome = expect(given).rejects.toThrow('deadline');
  await clb.clock.advance(60_000);
  expect(isSettled).toBe(false);
  controller.abort(new Error('deadline'));
  await outcome;
});

it('an error has code, message and request id', async () => {
  const clb = fixture();
  const { signal } = new AbortController();
  const refused = inProcessClb(clb.server)('DescribeTargets', { LoadBalancerId: 'lb-gone' }, signal);
  const outcome = expect(refused).rejects.toMatchObject({
    code: 'InvalidParameter.LBIdNotFound',
    message: 'LoadBalancer not exist: lb-gone.',
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  await clb.clock.advance(100);
  await outcome;
});
