import { expect, it } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { ReflectorEvent } from '../../common/kube/reflector.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { FINALIZER } from '../../common/names.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { runServiceReflector, type ServiceRecord, serviceRecord } from './service-reflector.ts';

it('keeps of a Service what decisions read', () => {
  const record = serviceRecord(
    {
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u1',
        resourceVersion: '7',
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: [FINALIZER],
        annotations: { 'service.kubernetes.io/loadbalance-id': 'lb-1' },
      },
      spec: {
        type: 'LoadBalancer',
        loadBalancerClass: 'clb-direct.io/clb',
        selector: { app: 'web' },
        ports: [{ port: 80, targetPort: 'http' }],
        publishNotReadyAddresses: true,
      },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    },
    DEFAULT_INSTANCE,
  );
  expect(record).toMatchObject({
    uid: 'u1',
    deleting: true,
    finalized: true,
    type: 'LoadBalancer',
    loadBalancerClass: 'clb-direct.io/clb',
    selector: { app: 'web' },
    publishNotReadyAddresses: true,
    loadBalancerId: 'lb-1',
    ingress: [{ ip: '1.2.3.4' }],
  });
});

it('fills in what a Service may leave out', () => {
  const record = serviceRecord({ metadata: { name: 'web', namespace: 'shop' }, spec: {} }, DEFAULT_INSTANCE);
  expect(record).toMatchObject({
    deleting: false,
    finalized: false,
    type: 'ClusterIP',
    loadBalancerClass: undefined,
    selector: {},
    ports: [],
    publishNotReadyAddresses: false,
    loadBalancerId: undefined,
    ingress: [],
  });
});

it('reflects the Services of all namespaces and logs failures', async () => {
  const clock = new VirtualClock();
  const log = new CollectingLogger();
  const transport = new ScriptedTransport(() =>
    transport.requests.length === 1
      ? { status: 500, body: {} }
      : { status: 200, body: { metadata: { resourceVersion: '9' }, items: [] } },
  );
  const events: ReflectorEvent<ServiceRecord>[] = [];
  const abort = new AbortController();
  const options = {
    transport,
    clock,
    random: seededRandom(1),
    log,
    names: DEFAULT_INSTANCE,
    onEvent: (event: ReflectorEvent<ServiceRecord>) => events.push(event),
  };
  const running = runServiceReflector(options, abort.signal);
  await clock.advanceUntil(() => events.length > 0, 1_000);
  expect(transport.requests[0]?.path).toBe('/api/v1/services');
  expect(events).toMatchObject([{ type: 'replaced', resourceVersion: '9' }]);
  expect(log.messages('warn')).toHaveLength(1);
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});
