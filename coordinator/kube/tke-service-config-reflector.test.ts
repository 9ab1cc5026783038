import { expect, test } from 'vitest';
import type { ReflectorEvent } from '../../common/kube/reflector.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { runTkeServiceConfigReflector, type TkeServiceConfigRecord } from './tke-service-config-reflector.ts';

test('where the kind is not known there is none, until it comes', async () => {
  const clock = new VirtualClock();
  const events: ReflectorEvent<TkeServiceConfigRecord>[] = [];
  let absences = 0;
  let isThere = false;
  const config = { metadata: { name: 'settings', namespace: 'shop', uid: 'u', resourceVersion: '4' }, spec: { a: 1 } };
  const transport = new ScriptedTransport(() =>
    isThere
      ? { status: 200, body: { metadata: { resourceVersion: '5' }, items: [config] } }
      : { status: 404, body: { kind: 'Status', status: 'Failure' } },
  );
  const abort = new AbortController();
  const running = runTkeServiceConfigReflector(
    {
      transport,
      clock,
      random: seededRandom(1),
      log: silentLogger,
      onEvent: event => events.push(event),
      onForbidden: () => undefined,
      onAbsent: () => {
        absences += 1;
      },
    },
    abort.signal,
  );
  await clock.advance(1_000);
  expect(absences).toBeGreaterThan(0);
  isThere = true;
  await clock.advance(60_000);
  const record = { uid: 'u', namespace: 'shop', name: 'settings', resourceVersion: '4', spec: { a: 1 } };
  expect(events[0]).toMatchObject({ type: 'replaced', items: new Map([['shop/settings', record]]) });
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});
