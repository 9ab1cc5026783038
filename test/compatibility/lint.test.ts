import { expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';

const LB = 'lb-theirs';
const ALLOWED = [{ TagKey: 'clb-direct-allow', TagValue: 'simulation' }];

/** A Service `web` on an adopted listener with these settings. */
async function adopting(seed: number, more: object): Promise<Estate> {
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(LB, { tags: ALLOWED });
  estate.account.addListener(LB, { port: 80, more });
  await estate.open('web', 2, { on: LB, annotations: { 'clb-direct.io/adopt-listener': 'true' } });
  return estate;
}

test('a listener that reschedules connections is named with what to do, and left as it is', async () => {
  const estate = await adopting(1, { RescheduleInterval: 60 });
  await estate.passes(MINUTE_MS);
  const [event] = await estate.eventsOf('web');
  expect(event).toMatchObject({ type: 'Warning', reason: 'ConnectionsRescheduled' });
  expect(event?.message).toMatch(/^CD1029.*default\/web: listener lbl-.* within 60 s/);
  const [listener] = estate.account.listenersOf(LB);
  expect(estate.account.settingsOf(LB, listener?.id ?? '')).toMatchObject({ RescheduleInterval: 60 });
  expect(await estate.end()).toEqual(UNHARMED);
});

test('a health check that makes rollouts slow is named once, with better settings', async () => {
  const estate = await adopting(2, { HealthCheck: { HealthSwitch: 1, IntervalTime: 20, HealthNum: 3 } });
  await estate.passes(10 * MINUTE_MS);
  const events = await estate.eventsOf('web');
  expect(events).toMatchObject([{ type: 'Normal', reason: 'HealthCheckSlow', count: 1 }]);
  expect(events[0]?.message).toMatch(/^CD1030.*default\/web.*takes 60 s.*15 s/);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('a health check that contradicts the readinessProbe is named until they agree, on Pods that come later, too', async () => {
  const check = { HealthSwitch: 1, CheckType: 'HTTP', HttpCheckPath: '/', HttpCode: 2, HttpCheckDomain: 'a.com' };
  const estate = await adopting(4, { HealthCheck: check });
  const probing = (path: string) =>
    estate.patchDeployment('web', {
      spec: {
        template: {
          spec: { containers: [{ name: 'main', image: 'nginx', readinessProbe: { httpGet: { port: 80, path } } }] },
        },
      },
    });
  const toldTimes = async () =>
    (await estate.eventsOf('web')).find(({ reason }) => reason === 'HealthCheckDisagrees')?.count;
  expect(await toldTimes()).toBeUndefined();
  await probing('/ready');
  await estate.untilRolledOut('web');
  await estate.passes(10_000);
  expect(await estate.codesOf('web')).toEqual(['CD1032']);
  await probing('/');
  await estate.untilRolledOut('web');
  await estate.passes(MINUTE_MS);
  const before = await toldTimes();
  await estate.passes(10 * MINUTE_MS);
  expect(await toldTimes()).toBe(before);
  expect(await estate.end()).toEqual(UNHARMED);
});

test("of CLB's own settings nothing is said", async () => {
  const estate = await adopting(3, {});
  await estate.passes(MINUTE_MS);
  expect(await estate.eventsOf('web')).toEqual([]);
  expect(await estate.end()).toEqual(UNHARMED);
});
