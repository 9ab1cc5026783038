import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Listener } from '../cloud/types.ts';
import { sharedListenerName } from './listener-name.ts';
import { CLUSTER, described, intent, listener, plan, rule, tenant } from './listener-plan.fixture.ts';
import type { Tenant } from './listener-plan-types.ts';
import type { ServiceIntent } from './service-intent.ts';

describe('forwarding rules', () => {
  const SHARED = sharedListenerName(CLUSTER);

  /** Service `default/<name>` with `host/path` on HTTP port 80. */
  function site(name: string, places: readonly string[], fields: Partial<ServiceIntent> = {}): ServiceIntent {
    const base = intent(name, [80], fields);
    const rules = places.map(place => {
      const [domain = '', path = ''] = place.split('/');
      const forwarding = { scheme: 'HTTP' as const, domain, url: `/${path}` };
      return { ...rule(name, 80, Protocol.TCP), id: `${name}/${place}`, forwarding };
    });
    return { ...base, rules };
  }

  function shared(places: readonly string[], protocol = 'HTTP'): Listener {
    const forwardingRules = places.map(place => {
      const [domain = '', path = ''] = place.split('/');
      return { locationId: `loc-${place}`, domain, url: `/${path}` };
    });
    return { id: 'lbl-l7', name: SHARED, protocol, port: 80, healthCheck: false, forwardingRules };
  }

  test('of several objects share one listener, which is made once; each rule knows that it waits for it', () => {
    const { work: todo, waiting } = plan([tenant(site('web', ['a/', 'a/x'])), tenant(site('api', ['b/']))]);
    expect(described({ work: todo })).toEqual([`create HTTP 80 for ${SHARED}`]);
    expect(todo[0]?.ruleIds).toEqual([...waiting.keys()]);
    expect([...waiting.values()][0]?.toSorted()).toEqual(['api/b/', 'web/a/', 'web/a/x']);
  });

  test('are made in one call, with the health check, and stand at their place when they are there', () => {
    const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 3, unhealthyThreshold: 3 };
    const sites = [tenant(site('web', ['a/', 'a/x'])), tenant(site('api', ['b/']))];
    const { work: todo, places } = plan(sites, [shared(['a/'])], { healthCheck });
    expect(described({ work: todo })).toEqual(['create b/,a/x on lbl-l7']);
    expect(todo).toMatchObject([
      { requests: [{ settings: { healthCheck } }, { settings: { healthCheck } }], ruleIds: ['api/b/', 'web/a/x'] },
    ]);
    expect([...places]).toEqual([['web/a/', { listenerId: 'lbl-l7', locationId: 'loc-a/', isAdopted: false }]]);
  });

  test('that nobody wants any more go in one call, and an empty listener of ours goes with them', () => {
    const web = tenant(site('web', ['a/']));
    expect(described(plan([web], [shared(['a/', 'b/', 'c/'])]))).toEqual(['delete loc-b/,loc-c/ of lbl-l7']);
    expect(described(plan([], [shared(['a/', 'b/'])]))).toEqual(['delete lbl-l7']);
  });

  test('of the default domain go once another domain has become it, which CLB asks for', () => {
    const withDefault = (listener: Listener, domain: string): Listener => ({
      ...listener,
      forwardingRules: listener.forwardingRules.map(rule => ({
        ...rule,
        settings: { isDefaultDomain: rule.domain === domain },
      })),
    });
    const web = tenant(site('web', ['b/', 'c/']));
    const before = withDefault(shared(['a/', 'a/x', 'b/', 'c/', 'd/']), 'a');
    expect(plan([web], [before]).work).toMatchObject([
      { kind: 'change-settings', change: { domain: 'b', settings: { isDefaultDomain: true } } },
      { kind: 'delete-rules', locationIds: ['loc-d/'] },
    ]);
    const after = withDefault(shared(['a/', 'a/x', 'b/', 'c/']), 'b');
    expect(described(plan([web], [after]))).toEqual(['delete loc-a/,loc-a/x of lbl-l7']);
    expect(described(plan([web], [withDefault(shared(['a/', 'a/x']), 'a')]))).toEqual([
      'delete loc-a/,loc-a/x of lbl-l7',
      'create b/,c/ on lbl-l7',
    ]);
  });

  test('of a host whose path changes go after the new one is there', () => {
    expect(described(plan([tenant(site('web', ['a/new']))], [shared(['a/old'])]))).toEqual([
      'create a/new on lbl-l7',
      'delete loc-a/old of lbl-l7',
    ]);
  });

  describe('that nobody wants any more, but whose Pods may still answer requests,', () => {
    const bound = { namespacesBoundAt: () => new Set(['default']) };
    const web = tenant(site('web', ['a/new']));
    const departing = (planned: ReturnType<typeof plan>) => planned.departing.map(({ place }) => place.locationId);

    test('are left by our targets first (L4)', () => {
      const going = plan([web], [shared(['a/old', 'a/new'])], bound);
      expect(described(going)).toEqual([]);
      expect(departing(going)).toEqual(['loc-a/old']);
      const gone = plan([web], [shared(['a/old', 'a/new'])]);
      expect(described(gone)).toEqual(['delete loc-a/old of lbl-l7']);
      expect(departing(gone)).toEqual([]);
    });

    test('hold their listener up as long, when none of its rules is wanted', () => {
      const elsewhere = tenant(intent('tcp', [81]));
      const going = plan([elsewhere], [listener(81, 'tcp'), shared(['a/'])], bound);
      expect(described(going)).toEqual([]);
      expect(departing(going)).toEqual(['loc-a/']);
    });

    test.each<[string, string]>([
      ['a shorter path of its host', 'a/'],
      ['another host, when its own has no rule left', 'b/'],
    ])('go at once where another rule takes the requests: %s', (_, heir) => {
      const going = plan([tenant(site('web', [heir]))], [shared(['a/old', heir])], bound);
      expect(described(going)).toEqual(['delete loc-a/old of lbl-l7']);
      expect(departing(going)).toEqual([]);
    });

    test('go at once when the object itself is deleted', () => {
      const deleted = tenant(site('api', ['a/old'], { leaving: true }), { role: 'retiring' });
      const going = plan([web, deleted], [shared(['a/old', 'a/new'])], bound);
      expect(described(going)).toEqual(['delete loc-a/old of lbl-l7']);
    });
  });

  test('stay while an Ingress is paused whose they may be, with their targets', () => {
    const service = { kind: 'Ingress' as const, namespace: 'default', name: 'web', uid: 'web-service-uid' };
    const paused = site('web', ['a/'], { service, isPaused: true });
    const found = plan([tenant(paused), tenant(site('api', ['c/']))], [shared(['a/', 'b/'])]);
    expect(described(found)).toEqual(['create c/ on lbl-l7']);
    expect(found.departing.map(({ rule, place }) => [place.locationId, rule.isPaused])).toEqual([['loc-b/', true]]);
    const deleted = tenant({ ...paused, leaving: true }, { role: 'retiring' });
    for (const places of [['a/'], []]) expect(described(plan([deleted], [shared(places)]))).toEqual([]);
  });

  test('keep their redirects while they are paused', () => {
    const from = shared(['a/']);
    const to = { ...shared(['a/'], 'HTTPS'), id: 'lbl-s', port: 443 };
    const redirectsTo = { listenerId: to.id, locationId: 'loc-a/' };
    const listeners = [{ ...from, forwardingRules: from.forwardingRules.map(each => ({ ...each, redirectsTo })) }, to];
    const { rules, ...site80 } = site('web', ['a/']);
    const kindsOf = (isPaused: boolean) =>
      plan([tenant({ ...site80, rules: rules.map(each => ({ ...each, isPaused })) })], listeners, {
        isComplete: false,
      }).work.map(({ kind }) => kind);
    expect(kindsOf(true)).toEqual([]);
    expect(kindsOf(false)).toEqual(['remove-redirects']);
  });

  test('stay while it is not known of every Service where it stands (L1)', () => {
    expect(described(plan([], [shared(['a/'])], { isComplete: false }))).toEqual([]);
  });

  test('of a Service that leaves keep it until they are gone', () => {
    const leaving = tenant(site('web', ['a/']), { role: 'retiring' });
    const sites = [leaving, tenant(site('api', ['b/']))];
    const going = plan(sites, [shared(['a/', 'b/'])]);
    expect(described(going)).toEqual(['delete loc-a/ of lbl-l7']);
    expect(going.remaining.get('web-service-uid')).toBe(1);
    expect(plan(sites, [shared(['b/'])]).remaining.get('web-service-uid')).toBe(0);
  });

  test('on a listener of others are not ours, and none are made there (L6)', () => {
    const foreign = { ...shared(['a/', 'b/']), name: 'by hand' };
    const { work: todo, refused } = plan([tenant(site('web', ['a/']))], [foreign]);
    expect(todo).toEqual([]);
    expect(refused.get('web/a/')?.code).toBe('CD1005');
  });

  describe('on a listener of others that the object may adopt', () => {
    const foreign = { ...shared(['a/', 'b/']), name: 'TKE-DEDICATED-LISTENER' };
    const allowed = { loadBalancer: { id: 'lb-1', tags: { 'clb-direct-allow': 'prod' } } };
    const adopted = { adopts: true, adopted: [{ loadBalancerId: 'lb-1', listenerId: foreign.id }] };

    test('are taken over once it stands in the record; missing ones are made, and none is ever deleted', () => {
      const wishing = plan([tenant(site('web', ['a/'], { adopts: true }))], [foreign], allowed);
      expect(wishing.adopting).toEqual([{ serviceUid: 'web-service-uid', listenerId: 'lbl-l7' }]);
      const taken = plan([tenant(site('web', ['a/', 'c/'], adopted))], [foreign], allowed);
      expect(described(taken)).toEqual(['create c/ on lbl-l7']);
      expect([...taken.places]).toEqual([['web/a/', { listenerId: 'lbl-l7', locationId: 'loc-a/', isAdopted: true }]]);
      expect(taken.departing).toEqual([]);
    });

    test('are left by our targets when the object drops them or goes, and stay', () => {
      const namespacesBoundAt = () => new Set(['default']);
      const locations = (wanted: readonly string[], fields: Partial<Tenant> = {}) =>
        plan([tenant(site('web', wanted, adopted), fields)], [foreign], { ...allowed, namespacesBoundAt });
      const dropped = locations(['a/']);
      expect(dropped.departing.map(({ place }) => place)).toEqual([
        { listenerId: 'lbl-l7', locationId: 'loc-b/', isAdopted: true },
      ]);
      const gone = locations(['a/'], { role: 'retiring' });
      expect(gone.departing.map(({ place }) => place.locationId)).toEqual(['loc-a/', 'loc-b/']);
      expect(gone.remaining.get('web-service-uid')).toBe(1);
      for (const each of [dropped, gone]) expect(described(each)).toEqual([]);
    });

    test('are refused where it speaks another protocol', () => {
      const secure = { ...foreign, protocol: 'HTTPS' };
      const { refused } = plan([tenant(site('web', ['a/'], adopted))], [secure], allowed);
      expect(refused.get('web/a/')?.code).toBe('CD1009');
    });
  });

  test('with the host and path of an earlier object’s are refused', () => {
    const sites = [
      tenant(site('api', ['a/'], { createdAt: '2026-01-02T00:00:00Z' })),
      tenant(site('web', ['a/'], { createdAt: '2026-01-01T00:00:00Z' })),
    ];
    const { refused, places } = plan(sites, [shared(['a/'])]);
    expect([...refused.keys()]).toEqual(['api/a/']);
    expect([...places.keys()]).toEqual(['web/a/']);
  });

  test('and a TCP port clash as two Services do, and so do HTTP and HTTPS', () => {
    const tcp = tenant(intent('tcp', [80], { createdAt: '2026-01-02T00:00:00Z' }));
    const web = tenant(site('web', ['a/']));
    expect([...plan([tcp, web]).refused.keys()]).toEqual(['tcp-service-uid/TCP/80']);
    expect([...plan([tcp, web], [shared(['a/'])]).refused.keys()]).toEqual(['tcp-service-uid/TCP/80']);
    expect([...plan([tcp, web], [listener(80, 'tcp')]).refused.keys()]).toEqual(['web/a/']);
    expect(described(plan([web], [shared([], 'HTTPS')]))).toEqual(['delete lbl-l7']);
  });
});
