import { describe, expect, test } from 'vitest';
import { described, intent, listener, plan, tenant, work } from './listener-plan.fixture.ts';
import type { Tenant } from './listener-plan-types.ts';
import type { ServiceIntent } from './service-intent.ts';

const WEB = 'web-service-uid/TCP/80';

describe('listeners', () => {
  test('that are missing are made in one call for each Service and protocol', () => {
    expect(work([intent('web', [80, 81, 'udp:53'])])).toEqual([
      'create TCP 80,81 for clb-direct-c1-web-serv',
      'create UDP 53 for clb-direct-c1-web-serv',
    ]);
  });

  test('are made in calls of at most 49 ports', () => {
    const ports = Array.from({ length: 60 }, (_, index) => 1_000 + index);
    const [first] = plan([tenant(intent('web', ports))]).work;
    expect(first?.kind === 'create' && first.request.ports.length).toBe(49);
  });

  test('that are there stand for their rules and cost nothing', () => {
    const { work: todo, places } = plan([tenant(intent('web', [80]))], [listener(80, 'web')]);
    expect(todo).toEqual([]);
    expect(places.get(WEB)).toEqual({ listenerId: 'lbl-80-TCP', locationId: '', isAdopted: false });
  });

  test('whose settings somebody changed by hand are left alone', () => {
    const changed = { ...listener(80, 'web'), healthCheck: false };
    const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 3, unhealthyThreshold: 3 };
    expect(plan([tenant(intent('web', [80]))], [changed], { healthCheck }).work).toEqual([]);
  });

  test('are TCP_SSL where the port has a certificate, and one of TCP goes before', () => {
    const [port, ...others] = intent('web', [80, 81]).rules;
    const listenerSettings = { certificate: { certificateIds: ['cert-1'] } };
    const rules = port ? [{ ...port, listenerSettings }, ...others] : [];
    const wanted = [intent('web', [], { rules })];
    expect(work(wanted)).toEqual([
      'create TCP_SSL 80 for clb-direct-c1-web-serv',
      'create TCP 81 for clb-direct-c1-web-serv',
    ]);
    expect(work(wanted, [listener(80, 'web'), listener(81, 'web')])).toEqual([
      'delete lbl-80-TCP',
      'create TCP_SSL 80 for clb-direct-c1-web-serv',
    ]);
    expect(work(wanted, [listener(80, 'web', 'TCP_SSL'), listener(81, 'web')])).toEqual([]);
  });

  test('stay as they are while what the user wants in their place cannot be made', () => {
    const notToMake = { code: 'CD1001', reason: 'Bad', message: 'no certificate' };
    const forwarding = (domain: string) => ({ scheme: 'HTTPS' as const, domain, url: '/' });
    const [port] = intent('web', [80]).rules;
    const sites = ['a', 'b'].flatMap(each =>
      port ? [{ ...port, id: each, forwarding: forwarding(each), notToMake }] : [],
    );
    for (const rules of [port ? [{ ...port, notToMake }] : [], sites]) {
      const made = plan([tenant(intent('web', [], { rules }))], [listener(80, 'web', 'TCP_SSL')]);
      expect(made.work).toEqual([]);
      expect([...made.places.values()]).toEqual([{ listenerId: 'lbl-80-TCP_SSL', locationId: '', isAdopted: false }]);
    }
  });

  test('of layer 4 go before the same port is made on layer 7', () => {
    const rules = intent('web', [80]).rules.map(each => ({
      ...each,
      forwarding: { scheme: 'HTTP' as const, domain: 'a.example', url: '/' },
    }));
    expect(work([intent('web', [], { rules })], [listener(80, 'web')])).toEqual([
      'delete lbl-80-TCP',
      'create HTTP 80 for clb-direct-c1-l7',
    ]);
  });

  test('that somebody renamed are somebody else’s now (L6)', () => {
    const renamed = { ...listener(80, 'web'), name: 'my listener' };
    const { work: todo, refused } = plan([tenant(intent('web', [80]))], [renamed]);
    expect(todo).toEqual([]);
    expect(refused.get(WEB)?.code).toBe('CD1005');
  });

  test('of a port go when the Service no longer has it, or is leaving (L1)', () => {
    expect(work([intent('web', [80])], [listener(80, 'web'), listener(81, 'web')])).toEqual(['delete lbl-81-TCP']);
    const leaving = plan([tenant(intent('web', [80]), { role: 'retiring' })], [listener(80, 'web')]);
    expect(described(leaving)).toEqual(['delete lbl-80-TCP']);
    expect(leaving.remaining.get('web-service-uid')).toBe(1);
    expect(leaving.places.size).toBe(0);
  });

  test('of a Service that has moved to another load balancer go when their targets have left', () => {
    const moved = tenant(intent('web', [80]), { role: 'retiring' });
    const inUse = plan([moved], [listener(80, 'web')], { namespacesBoundAt: () => new Set(['default']) });
    expect(inUse.work).toEqual([]);
    expect(inUse.departing).toMatchObject([
      { rule: { isDeparting: true, selector: {} }, place: { listenerId: 'lbl-80-TCP', isAdopted: false } },
    ]);
    expect(inUse.remaining.get('web-service-uid')).toBe(1);
    expect(described(plan([moved], [listener(80, 'web')]))).toEqual(['delete lbl-80-TCP']);
  });

  test('of a Service that is deleted go at once, with what is bound', () => {
    const leaving = tenant(intent('web', [80], { leaving: true }), { role: 'retiring' });
    const inUse = plan([leaving], [listener(80, 'web')], { namespacesBoundAt: () => new Set(['default']) });
    expect(described(inUse)).toEqual(['delete lbl-80-TCP']);
    expect(inUse.departing).toEqual([]);
  });

  test('of a Service that leaves may be there unseen: until lists prove the contrary it has something, and waits for them', () => {
    const leaving = tenant(intent('web', [80], { leaving: true }), { role: 'retiring' });
    const hidden = plan([leaving], [], { mayHide: uid => uid === 'web-service-uid' });
    expect(hidden.remaining.get('web-service-uid')).toBe(1);
    expect(hidden.awaitsAbsence).toBe(true);
    const proven = plan([leaving], [], { mayHide: uid => uid === 'other-service-uid' });
    expect(proven.remaining.get('web-service-uid')).toBe(0);
    expect(proven.awaitsAbsence).toBe(false);
  });

  test('are counted only of a Service that retires: of another one nothing is decided by what it has', () => {
    expect(plan([tenant(intent('web', [80]))], [listener(80, 'web')]).remaining.size).toBe(0);
  });

  test('of a Service that nobody speaks of stay (L1)', () => {
    expect(work([], [listener(80, 'web')])).toEqual([]);
  });

  test('of others stay, whatever port they have (L6)', () => {
    const { work: todo, refused } = plan([tenant(intent('web', [80]))], [listener(80, undefined)]);
    expect(todo).toEqual([]);
    expect(refused.get(WEB)).toMatchObject({ code: 'CD1005', reason: 'ListenerOccupied' });
    expect(refused.get(WEB)?.message).toContain('clb-direct.io/adopt-listener');
  });

  test('of another protocol family do not stand in the way, of the same one do', () => {
    expect(work([intent('web', ['udp:80'])], [listener(80, undefined)])).toHaveLength(1);
    expect(work([intent('web', [80, 'udp:80'])], [listener(80, 'web')])).toEqual([
      'create UDP 80 for clb-direct-c1-web-serv',
    ]);
    expect(plan([tenant(intent('web', [80]))], [listener(80, undefined, 'HTTP')]).refused.size).toBe(1);
  });

  test('one port of which is refused do not keep the other ports from being made (L10)', () => {
    expect(work([intent('web', [80, 81])], [listener(80, undefined)])).toEqual([
      'create TCP 81 for clb-direct-c1-web-serv',
    ]);
  });

  test('are not made before the record names the load balancer, and those that are there serve on', () => {
    const unrecorded = tenant(intent('web', [80, 81]), { mayMake: false });
    const { work: todo, places, refused } = plan([unrecorded], [listener(80, 'web')]);
    expect(todo).toEqual([]);
    expect([...places.keys()]).toEqual([WEB]);
    expect(refused.size).toBe(0);
  });

  test('are not made where the Service may not be, and the rule is refused so that no gate waits for it', () => {
    const denial = { code: 'CD1008', reason: 'NotAllowed', message: 'not allowed' };
    const denied = tenant(intent('web', [80, 81]), { mayMake: false, denial });
    const { work: todo, places, refused } = plan([denied], [listener(80, 'web')]);
    expect(todo).toEqual([]);
    expect([...places.keys()]).toEqual([WEB]);
    expect([...refused]).toEqual([['web-service-uid/TCP/81', denial]]);
  });

  test('of a load balancer that is kept for a while serve on, and no new ones are made', () => {
    const kept = tenant(intent('web', [80, 81]), { role: 'kept', mayMake: false });
    const { work: todo, places, refused } = plan([kept], [listener(80, 'web')]);
    expect(todo).toEqual([]);
    expect([...places.keys()]).toEqual([WEB]);
    expect(refused.size).toBe(0);
  });
});

describe('listeners of a Service that is paused', () => {
  function paused(ports: readonly number[], fields: Partial<ServiceIntent> = {}): ServiceIntent {
    const wanted = intent('web', ports, { isPaused: true, ...fields });
    const rules = wanted.rules.map(each => ({ ...each, isPaused: true, notToMake: 'pending' as const }));
    return { ...wanted, rules };
  }
  const byId = (found: ReturnType<typeof plan>) =>
    found.departing.map(({ rule, place }) => [place.listenerId, rule.isPaused]);

  test('are not made, and the rule is not refused, so that gates wait for it', () => {
    const { work: todo, refused } = plan([tenant(paused([80]))]);
    expect([todo, refused.size]).toEqual([[], 0]);
  });

  test('stay when the Service no longer has the port, moves or is deleted, and with them its targets', () => {
    const moved = { role: 'retiring' } as const;
    for (const gone of [
      tenant(paused([])),
      tenant(paused([80]), moved),
      tenant(paused([80], { leaving: true }), moved),
    ]) {
      const found = plan([gone], [listener(80, 'web')]);
      expect(found.work).toEqual([]);
      expect(byId(found)).toEqual([['lbl-80-TCP', true]]);
    }
  });

  test('keep the settings that CLB has', () => {
    const rules = paused([80]).rules.map(each => ({ ...each, listenerSettings: { scheduler: 'LEAST_CONN' as const } }));
    const settled = { ...listener(80, 'web'), settings: { scheduler: 'WRR' as const } };
    expect(plan([tenant(paused([], { rules }))], [settled]).work).toEqual([]);
    const active = rules.map(({ isPaused, ...each }) => each);
    expect(plan([tenant(intent('web', [], { rules: active }))], [settled]).work).toHaveLength(1);
  });

  test('of others that it has adopted keep its targets', () => {
    const adopted = [{ loadBalancerId: 'lb-1', listenerId: 'lbl-80-TCP' }];
    const namespacesBoundAt = () => new Set(['default']);
    const found = plan([tenant(paused([], { adopted }))], [listener(80, undefined)], { namespacesBoundAt });
    expect([found.work, byId(found)]).toEqual([[], [['lbl-80-TCP', true]]]);
  });

  test('do not keep others from theirs (L10)', () => {
    expect(work([paused([80]), intent('api', [81])])).toEqual(['create TCP 81 for clb-direct-c1-api-serv']);
  });
});

describe('two Services that want the same port of one load balancer', () => {
  const earlier = '2026-01-01T00:00:00Z';
  const later = '2026-01-02T00:00:00Z';
  const both = [intent('web', [80, 443], { createdAt: earlier }), intent('api', [80], { createdAt: later })];

  test.each([
    ['in one order', both],
    ['in the other', both.toReversed()],
  ])('the one that was created first gets it while it is free, %s', (_, intents) => {
    expect(work(intents)).toEqual(['create TCP 80,443 for clb-direct-c1-web-serv']);
    const { refused } = plan(intents.map(each => tenant(each)));
    expect([...refused.keys()]).toEqual(['api-service-uid/TCP/80']);
    expect(refused.get('api-service-uid/TCP/80')).toMatchObject({ code: 'CD1006', reason: 'PortTaken' });
    expect(refused.get('api-service-uid/TCP/80')?.message).toContain('Service default/web has it');
  });

  test('of the same age get it by namespace and name', () => {
    const twins = both.map(each => ({ ...each, createdAt: earlier }));
    expect([...plan(twins.map(each => tenant(each))).refused.keys()]).toEqual([WEB]);
  });

  test('do not take it from each other: who has it keeps it', () => {
    const {
      refused,
      places,
      work: todo,
    } = plan(
      both.map(each => tenant(each)),
      [listener(80, 'api')],
    );
    expect(places.get('api-service-uid/TCP/80')?.listenerId).toBe('lbl-80-TCP');
    expect(refused.get(WEB)?.code).toBe('CD1006');
    expect(todo).toHaveLength(1);
  });

  test('do not overtake the first one while its record is being written', () => {
    const [first, second] = both as [ServiceIntent, ServiceIntent];
    const { work: todo, refused } = plan([tenant(first, { mayMake: false }), tenant(second)]);
    expect(todo).toEqual([]);
    expect([...refused.keys()]).toEqual(['api-service-uid/TCP/80']);
  });

  test('do not wait for one that may not be there', () => {
    const [first, second] = both as [ServiceIntent, ServiceIntent];
    const denial = { code: 'CD1008', reason: 'NotAllowed', message: 'not allowed' };
    expect(described(plan([tenant(first, { mayMake: false, denial }), tenant(second)]))).toEqual([
      'create TCP 80 for clb-direct-c1-api-serv',
    ]);
  });

  test('hand it over when the one that has it leaves', () => {
    const [first, second] = both as [ServiceIntent, ServiceIntent];
    const leaving = [tenant(first, { role: 'retiring' }), tenant(second)];
    expect(described(plan(leaving, [listener(80, 'web')]))).toEqual(['delete lbl-80-TCP']);
    expect(described(plan(leaving))).toEqual(['create TCP 80 for clb-direct-c1-api-serv']);
  });
});

describe('somebody else’s listener', () => {
  const ALLOWED = { loadBalancer: { id: 'lb-1', tags: { 'clb-direct-allow': 'other, prod/default' } } };
  const foreign = listener(80, undefined);
  const recorded = { adopts: true, adopted: [{ loadBalancerId: 'lb-1', listenerId: foreign.id }] };
  const bound = { namespacesBoundAt: () => new Set(['default']) };

  test('is adopted on the user’s word, and used only when that is recorded', () => {
    const asked = plan([tenant(intent('web', [80], { adopts: true }))], [foreign], ALLOWED);
    expect(asked.adopting).toEqual([{ serviceUid: 'web-service-uid', listenerId: foreign.id }]);
    expect(asked.places.size).toBe(0);
    const used = plan([tenant(intent('web', [80], recorded))], [foreign], ALLOWED);
    expect(used.adopting).toEqual([]);
    expect(used.places.get(WEB)).toEqual({ listenerId: foreign.id, locationId: '', isAdopted: true });
    expect(used.work).toEqual([]);
  });

  test.each([
    ['nothing', {}],
    ['others', { 'clb-direct-allow': 'prod/other,prod2,pro' }],
  ])('is not adopted when the load balancer’s tag allows %s; the message names the tag and its value', (_, tags) => {
    const fields = { loadBalancer: { id: 'lb-1', tags } };
    const { adopting, refused } = plan([tenant(intent('web', [80], { adopts: true }))], [foreign], fields);
    expect(adopting).toEqual([]);
    expect(refused.get(WEB)).toMatchObject({ code: 'CD1008', reason: 'NotAllowed' });
    expect(refused.get(WEB)?.message).toMatch(/tag clb-direct-allow of load balancer lb-1 .*"prod\/default"/);
  });

  test('is adopted by every namespace of a cluster that the tag names', () => {
    const fields = { loadBalancer: { id: 'lb-1', tags: { 'clb-direct-allow': 'prod' } } };
    expect(plan([tenant(intent('web', [80], { adopts: true }))], [foreign], fields).adopting).toHaveLength(1);
  });

  test('is served on when the tag goes, but only where Pods of the namespace are bound: a record alone proves nothing', () => {
    const web = tenant(intent('web', [80], recorded));
    expect(plan([web], [foreign], bound).places.has(WEB)).toBe(true);
    const forged = plan([web], [foreign]);
    expect(forged.refused.get(WEB)?.code).toBe('CD1008');
    expect(forged.left).toHaveLength(1);
  });

  test.each(['HTTP', 'HTTPS', 'QUIC'])('that speaks %s is not adopted for a TCP or UDP port', protocol => {
    const asked = intent('web', [protocol === 'QUIC' ? 'udp:80' : 80], { adopts: true });
    const { refused, adopting } = plan([tenant(asked)], [listener(80, undefined, protocol)], ALLOWED);
    expect([...refused.values()]).toMatchObject([{ code: 'CD1009', reason: 'WrongListenerProtocol' }]);
    expect(adopting).toEqual([]);
  });

  test.each(['clb-direct-c2-web-serv', 'clb-direct-c1-gone-ser', 'clb-direct-c2-l7'])(
    'is never adopted when it carries the name %s',
    name => {
      const { refused, adopting } = plan([tenant(intent('web', [80], recorded))], [{ ...foreign, name }], ALLOWED);
      expect(refused.get(WEB)?.code).toBe('CD1005');
      expect(adopting).toEqual([]);
    },
  );

  test('is adopted by the first of two Services, or by the one that has it', () => {
    const web = intent('web', [80], { adopts: true, createdAt: '2026-01-01T00:00:00Z' });
    const api = intent('api', [80], { adopts: true, createdAt: '2026-01-02T00:00:00Z' });
    const free = plan([tenant(api), tenant(web)], [foreign], ALLOWED);
    expect(free.adopting.map(each => each.serviceUid)).toEqual(['web-service-uid']);
    expect([...free.refused.keys()]).toEqual(['api-service-uid/TCP/80']);
    const had = plan([tenant({ ...api, ...recorded }), tenant(web)], [foreign], ALLOWED);
    expect([...had.places.keys()]).toEqual(['api-service-uid/TCP/80']);
    expect(had.refused.get(WEB)?.code).toBe('CD1006');
  });

  test.each<[string, ServiceIntent, Partial<Tenant>]>([
    ['the Service leaves', intent('web', [80], recorded), { role: 'retiring' }],
    ['the Service drops the port', intent('web', [], recorded), {}],
    ['the user takes the word back', intent('web', [80], { ...recorded, adopts: false }), {}],
  ])('stays when %s: our targets leave it, and then the record does', (_, asked, fields) => {
    const leaving = plan([tenant(asked, fields)], [foreign], { ...ALLOWED, ...bound });
    expect(leaving.work).toEqual([]);
    expect(leaving.departing).toMatchObject([
      { rule: { selector: {}, port: 80, isDeparting: true }, place: { listenerId: foreign.id, isAdopted: true } },
    ]);
    expect(leaving.left).toEqual([]);
    expect(leaving.remaining.get('web-service-uid')).toBe(fields.role && 1);
    const empty = plan([tenant(asked, fields)], [foreign], ALLOWED);
    expect(empty.departing).toEqual([]);
    expect(empty.left).toEqual([{ serviceUid: 'web-service-uid', listenerId: foreign.id }]);
    expect(empty.remaining.get('web-service-uid')).toBe(fields.role && 0);
  });

  test('that somebody deleted leaves the record, and the port gets a listener of ours', () => {
    const { left, work: todo } = plan([tenant(intent('web', [80], recorded))], [], ALLOWED);
    expect(left).toHaveLength(1);
    expect(todo).toHaveLength(1);
  });

  test('of another load balancer in the record is none of this one’s business', () => {
    const elsewhere = { adopts: true, adopted: [{ loadBalancerId: 'lb-2', listenerId: foreign.id }] };
    expect(plan([tenant(intent('web', [], elsewhere))], [foreign]).left).toEqual([]);
  });
});
