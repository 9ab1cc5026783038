import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { podRecord } from './pod.fixture.ts';
import { isSelected, type SelectingService, SelectorIndex } from './selector-index.ts';

const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'zone'), fc.constantFrom('a', 'b'), { maxKeys: 3 });
const namespace = fc.constantFrom('n1', 'n2');
const pod = fc
  .record({ number: fc.nat(5), namespace, labels })
  .map(({ number, ...fields }) => podRecord({ uid: `pod-${number}`, ...fields }));
const service = fc
  .record({ number: fc.nat(4), namespace, selector: labels })
  .map(({ number, ...fields }): SelectingService => ({ uid: `service-${number}`, ...fields }));
const step = fc.oneof(
  pod.map(set => ({ kind: 'set-pod' as const, set })),
  fc.nat(5).map(number => ({ kind: 'remove-pod' as const, uid: `pod-${number}` })),
  fc.array(service, { maxLength: 3 }).map(set => ({ kind: 'set-services' as const, set })),
  fc.nat(4).map(number => ({ kind: 'remove-service' as const, uid: `service-${number}` })),
);

test('after any changes the index says of every Service and Pod what a look at all of them says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const index = new SelectorIndex();
      const pods = new Map<string, ReturnType<typeof podRecord>>();
      const services = new Map<string, SelectingService>();
      for (const each of steps) {
        switch (each.kind) {
          case 'set-pod':
            pods.set(each.set.uid, each.set);
            index.setPod(each.set);
            break;
          case 'remove-pod':
            pods.delete(each.uid);
            index.removePod(each.uid);
            break;
          case 'set-services':
            for (const set of each.set) services.set(set.uid, set);
            index.setServices(
              [...new Set(each.set.map(({ uid }) => uid))].flatMap(uid => services.get(uid) ?? []),
              pods.values(),
            );
            break;
          case 'remove-service':
            services.delete(each.uid);
            index.removeService(each.uid);
        }
      }
      for (const known of services.values()) {
        const selected = [...pods.values()].filter(candidate => isSelected(known, candidate)).map(({ uid }) => uid);
        expect([...index.podsOf(known.uid)].sort()).toEqual(selected.sort());
      }
      for (const { uid } of pods.values()) {
        const selecting = [...services.values()].filter(({ uid: serviceUid }) => index.podsOf(serviceUid).has(uid));
        expect([...index.servicesOf(uid)].sort()).toEqual(selecting.map(each => each.uid).sort());
      }
    }),
  );
});

describe('a changed Pod concerns', () => {
  const index = new SelectorIndex();
  const services = ['web', 'api'].map(app => ({ uid: app, namespace: 'default', selector: { app } }));
  index.setServices(services, []);

  test('the Services that select it now and those that did before', () => {
    index.setPod(podRecord({ labels: { app: 'web' } }));
    expect([...index.setPod(podRecord({ labels: { app: 'api' } }))].sort()).toEqual(['api', 'web']);
    expect([...index.removePod('pod-1')]).toEqual(['api']);
  });

  test('none without a selector', () => {
    index.setServices([{ uid: 'none', namespace: 'default', selector: {} }], [podRecord()]);
    expect(index.podsOf('none').size).toBe(0);
  });
});
