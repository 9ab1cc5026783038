import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Listener } from '../cloud/types.ts';
import { listenerName, sharedListenerName } from './listener-name.ts';
import { planListeners } from './listener-plan.ts';
import type { ListenerPlan, Tenant } from './listener-plan-types.ts';
import type { ListenerWork } from './listener-work.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { RuleIntent } from './service-intent.ts';

const CLUSTER = 'c1';
const SERVICES = ['anna', 'bert', 'cleo'];
/** More than any of these small worlds needs to come to rest. */
const ROUNDS_MAX = 30;

const port = fc.integer({ min: 80, max: 83 });
const uidOf = (name: string) => `${name}-service-uid`;

const rule = fc.record({
  port,
  protocol: fc.constantFrom(Protocol.TCP, Protocol.UDP),
  site: fc.option(fc.constantFrom('a.example', 'b.example'), { nil: undefined }),
});

const tenant = fc.record({
  name: fc.constantFrom(...SERVICES),
  role: fc.constantFrom('wanted', 'wanted', 'kept', 'retiring'),
  createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
  rules: fc.uniqueArray(rule, { maxLength: 5, selector: each => `${each.port}/${each.protocol}/${each.site}` }),
});

const listener = fc.record({
  name: fc.constantFrom(
    'made by hand',
    listenerName('c2', uidOf('anna')),
    sharedListenerName(CLUSTER),
    ...SERVICES.map(name => listenerName(CLUSTER, uidOf(name))),
  ),
  port,
  protocol: fc.constantFrom('TCP', 'UDP', 'HTTP'),
});

/** The shared one is made by us, and never speaks anything else. */
function spokenBy({ name, protocol }: { name: string; protocol: string }): string {
  return name === sharedListenerName(CLUSTER) ? 'HTTP' : protocol;
}

const world = fc.record({
  tenants: fc.uniqueArray(tenant, { maxLength: 3, selector: each => each.name }),
  listeners: fc.uniqueArray(listener, {
    maxLength: 4,
    selector: each => `${each.port}/${spokenBy(each) === 'UDP'}`,
  }),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function tenantsOf({ tenants }: World): Tenant[] {
  return tenants.map(({ name, role, createdAt, rules }) => {
    const service = { namespace: 'default', name, uid: uidOf(name) };
    const intent = serviceIntent({ service, createdAt, rules: rules.map(each => ruleIntent(service, each)) });
    return { intent, role, mayMake: role === 'wanted', denial: undefined };
  });
}

function ruleIntent(service: RuleIntent['service'], { port, protocol, site }: World['tenants'][0]['rules'][0]) {
  const isSite = site !== undefined && protocol === Protocol.TCP;
  const intent: RuleIntent = {
    id: `${service.uid}/${protocol}/${port}/${isSite ? site : ''}`,
    service,
    protocol,
    port,
    selector: {},
    targetPort: port,
    publishNotReadyAddresses: false,
    ...(isSite && { forwarding: { scheme: 'HTTP', domain: site, url: '/' } }),
  };
  return intent;
}

function listenersOf({ listeners }: World): Listener[] {
  return listeners.map((drawn, index) => {
    const { name, port } = drawn;
    const isShared = name === sharedListenerName(CLUSTER);
    const forwardingRules = isShared ? [{ locationId: `loc-${index}`, domain: 'a.example', url: '/' }] : [];
    return { id: `lbl-${index}`, name, protocol: spokenBy(drawn), port, healthCheck: true, forwardingRules };
  });
}

/** What CLB makes of it. */
function apply(listeners: readonly Listener[], work: ListenerWork): Listener[] {
  switch (work.kind) {
    case 'create': {
      const { name, protocol, ports } = work.request;
      const made = ports.map(each => ({
        id: `lbl-made-${protocol}-${each}`,
        name,
        protocol,
        port: each,
        healthCheck: true,
        forwardingRules: [],
      }));
      return [...listeners, ...made];
    }
    case 'delete':
      return listeners.filter(({ id }) => !work.listenerIds.includes(id));
    case 'create-rules': {
      const made = work.requests.map(({ domain, url }) => ({ locationId: `loc-${domain}${url}`, domain, url }));
      return listeners.map(each =>
        each.id === work.listenerId ? { ...each, forwardingRules: [...each.forwardingRules, ...made] } : each,
      );
    }
    case 'delete-rules':
      return listeners.map(each =>
        each.id === work.listenerId
          ? {
              ...each,
              forwardingRules: each.forwardingRules.filter(({ locationId }) => !work.locationIds.includes(locationId)),
            }
          : each,
      );
    default:
      throw new Error('unknown work');
  }
}

function planOf(tenants: readonly Tenant[], listeners: readonly Listener[]): ListenerPlan {
  return planListeners({
    loadBalancer: { id: 'lb-1', tags: {} },
    tenants,
    isComplete: true,
    listeners,
    cluster: CLUSTER,
    clusterName: 'prod',
    healthCheck: undefined,
    namespacesBoundAt: () => new Set(),
  });
}

/** Plans and works, one change after the other, until there is nothing left to do. */
function comeToRest(tenants: readonly Tenant[], start: readonly Listener[]) {
  let listeners = [...start];
  let plan = planOf(tenants, listeners);
  for (let round = 0; round < ROUNDS_MAX && plan.work.length > 0; round++) {
    listeners = apply(listeners, plan.work[0] as ListenerWork);
    plan = planOf(tenants, listeners);
  }
  return { listeners, plan };
}

test('whatever is there and wanted, it comes to rest, touches nothing of others, and every wanted rule is placed or refused', () => {
  fc.assert(
    fc.property(world, drawn => {
      const tenants = tenantsOf(drawn);
      const before = listenersOf(drawn);
      const { listeners, plan } = comeToRest(tenants, before);
      expect(plan.work).toEqual([]);
      const foreign = (all: readonly Listener[]) =>
        all.filter(({ name }) => !name.startsWith(`clb-direct-${CLUSTER}-`));
      expect(foreign(listeners)).toEqual(foreign(before));
      for (const { intent, role } of tenants) {
        const { uid } = intent.service;
        if (role === 'retiring') expect(plan.remaining.get(uid)).toBe(0);
        if (role !== 'wanted') continue;
        for (const { id } of intent.rules) expect(Number(plan.places.has(id)) + Number(plan.refused.has(id))).toBe(1);
      }
    }),
  );
});

test('no listener and no forwarding rule stands for two rules, and no port is carried twice', () => {
  fc.assert(
    fc.property(world, drawn => {
      const { listeners, plan } = comeToRest(tenantsOf(drawn), listenersOf(drawn));
      const places = [...plan.places.values()].map(({ listenerId, locationId }) => `${listenerId}/${locationId}`);
      expect(new Set(places).size).toBe(places.length);
      const ports = listeners.map(({ protocol, port }) => `${protocol === 'UDP'}/${port}`);
      expect(new Set(ports).size).toBe(ports.length);
    }),
  );
});
