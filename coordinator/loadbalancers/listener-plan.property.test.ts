import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { SettingsChange } from '../cloud/settings.ts';
import type { ForwardingRule, ForwardingRuleRequest, Listener, ListenerRequest } from '../cloud/types.ts';
import { listenerName, sharedListenerName } from './listener-name.ts';
import { CLUSTER, plan as planOf } from './listener-plan.fixture.ts';
import type { Tenant } from './listener-plan-types.ts';
import type { ListenerWork } from './listener-work.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { RuleIntent } from './service-intent.ts';

const SERVICES = ['anna', 'bert', 'cleo'];
/** More than any of these small worlds needs to come to rest. */
const ROUNDS_MAX = 30;

const port = fc.integer({ min: 80, max: 83 });
const uidOf = (name: string) => `${name}-service-uid`;

const rule = fc.record({
  port,
  protocol: fc.constantFrom(Protocol.TCP, Protocol.UDP),
  site: fc.option(fc.constantFrom('a.example', 'b.example'), { nil: undefined }),
  scheme: fc.constantFrom('HTTP', 'HTTP', 'HTTPS'),
  scheduler: fc.option(fc.constantFrom('WRR', 'LEAST_CONN'), { nil: undefined }),
  keepalive: fc.option(fc.boolean(), { nil: undefined }),
  certificateId: fc.option(fc.constantFrom('cert-1', 'cert-2'), { nil: undefined }),
  isDefaultDomain: fc.boolean(),
  redirectPort: fc.option(port, { nil: undefined }),
});

type DrawnRule = typeof rule extends fc.Arbitrary<infer T> ? T : never;

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

function ruleIntent(service: RuleIntent['service'], drawn: DrawnRule) {
  const { port, protocol, site, scheme } = drawn;
  const isSite = site !== undefined && protocol === Protocol.TCP;
  const intent: RuleIntent = {
    id: `${service.uid}/${protocol}/${port}/${isSite ? site : ''}`,
    service,
    protocol,
    port,
    selector: {},
    targetPort: port,
    publishNotReadyAddresses: false,
    ...(isSite && { forwarding: { scheme, domain: site, url: '/' } }),
    ...wishes(drawn),
  };
  return intent;
}

function wishes(drawn: DrawnRule): Partial<RuleIntent> {
  const { scheduler, keepalive, certificateId, isDefaultDomain, redirectPort } = drawn;
  const common = {
    ...(scheduler && { scheduler }),
    ...(certificateId !== undefined && { certificate: { certificateIds: [certificateId] } }),
  };
  return {
    listenerSettings: { ...common, ...(keepalive !== undefined && { keepalive }) },
    forwardingSettings: { ...common, ...(isDefaultDomain && { isDefaultDomain }) },
    ...(drawn.scheme === 'HTTP' && redirectPort !== undefined && { redirect: { port: redirectPort, code: 301 } }),
  };
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
  const at = (listenerId: string, change: (listener: Listener) => Listener) =>
    listeners.map(each => (each.id === listenerId ? change(each) : each));
  switch (work.kind) {
    case 'create':
      return [...listeners, ...work.request.ports.map(each => madeListener(work.request, each))];
    case 'delete':
      return listeners.filter(({ id }) => !work.listenerIds.includes(id));
    case 'create-rules':
      return at(work.listenerId, listener => withRules(listener, work.requests));
    case 'delete-rules':
      return at(work.listenerId, listener => withoutRules(listener, work.locationIds));
    case 'change-settings':
      return at(work.change.listenerId, listener => changed(listener, work.change));
    case 'redirect':
    case 'remove-redirects':
      return at(work.redirects.sourceListenerId, listener => redirected(listener, work));
  }
}

function madeListener({ name, protocol, settings }: ListenerRequest, each: number): Listener {
  const isSni = protocol === 'HTTPS' && !settings?.certificate;
  return {
    id: `lbl-made-${protocol}-${each}`,
    name,
    protocol,
    port: each,
    healthCheck: true,
    settings: { scheduler: 'WRR', keepalive: false, ...(protocol === 'HTTPS' && { isSni }), ...settings },
    forwardingRules: [],
  };
}

function withRules(listener: Listener, requests: readonly ForwardingRuleRequest[]): Listener {
  const made = requests.map(({ domain, url, settings }) => ({
    locationId: `loc-${listener.id}-${domain}${url}`,
    domain,
    url,
    settings: { scheduler: 'WRR' as const, ...settings, isDefaultDomain: false },
  }));
  const forwardingRules = [...listener.forwardingRules, ...made];
  const wanted = requests.find(({ settings }) => settings?.isDefaultDomain)?.domain;
  const known = listener.forwardingRules.find(({ settings }) => settings?.isDefaultDomain)?.domain;
  return withDefault({ ...listener, forwardingRules }, wanted ?? known ?? forwardingRules[0]?.domain);
}

/** CLB refuses to delete the default domain while others stay. */
function withoutRules(listener: Listener, locationIds: readonly string[]): Listener {
  const forwardingRules = listener.forwardingRules.filter(({ locationId }) => !locationIds.includes(locationId));
  const hasDefault = forwardingRules.some(({ settings }) => settings?.isDefaultDomain);
  const hadDefault = listener.forwardingRules.some(({ settings }) => settings?.isDefaultDomain);
  expect(forwardingRules.length === 0 || hasDefault || !hadDefault).toBe(true);
  return { ...listener, forwardingRules };
}

function withDefault(listener: Listener, domain: string | undefined): Listener {
  const forwardingRules = listener.forwardingRules.map(each => ({
    ...each,
    settings: { ...each.settings, isDefaultDomain: each.domain === domain },
  }));
  return { ...listener, forwardingRules };
}

function changed(listener: Listener, change: SettingsChange): Listener {
  if (change.kind === 'listener') return { ...listener, settings: { ...listener.settings, ...change.settings } };
  const isMeant = (each: ForwardingRule) =>
    change.kind === 'domain' ? each.domain === change.domain : each.locationId === change.locationId;
  const forwardingRules = listener.forwardingRules.map(each =>
    isMeant(each) ? { ...each, settings: { ...each.settings, ...change.settings } } : each,
  );
  const isNewDefault = change.kind === 'domain' && change.settings.isDefaultDomain;
  return isNewDefault ? withDefault({ ...listener, forwardingRules }, change.domain) : { ...listener, forwardingRules };
}

function redirected(
  listener: Listener,
  { kind, redirects }: Extract<ListenerWork, { kind: 'redirect' | 'remove-redirects' }>,
): Listener {
  const forwardingRules = listener.forwardingRules.map(({ redirectsTo, ...each }) => {
    const pair = redirects.pairs.find(({ sourceLocationId }) => sourceLocationId === each.locationId);
    if (!pair) return { ...each, ...(redirectsTo && { redirectsTo }) };
    const to = { listenerId: redirects.targetListenerId, locationId: pair.targetLocationId, code: pair.code };
    return kind === 'redirect' ? { ...each, redirectsTo: to } : each;
  });
  return { ...listener, forwardingRules };
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

test('whatever users wish of what they share, it is not changed for ever', () => {
  fc.assert(
    fc.property(world, drawn => {
      const { listeners, plan } = comeToRest(tenantsOf(drawn), listenersOf(drawn));
      expect(plan.work).toEqual([]);
      for (const { forwardingRules } of listeners) {
        const told = forwardingRules.filter(({ settings }) => settings?.isDefaultDomain !== undefined);
        const defaults = new Set(told.filter(({ settings }) => settings?.isDefaultDomain).map(({ domain }) => domain));
        expect(defaults.size).toBe(told.length === 0 ? 0 : 1);
      }
    }),
  );
});
