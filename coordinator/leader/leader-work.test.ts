import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXISTING_LOAD_BALANCER_ANNOTATION } from '../../common/names.ts';
import { GateState } from '../../common/pod-record.ts';
import { DrainPhase, type DrainRequest } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Listener } from '../cloud/types.ts';
import { podRecord } from '../core/pod.fixture.ts';
import { ENTRY_STAGES } from '../core/pod-way.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { cloudError } from '../lanes/fake-cloud.ts';
import { serviceRecord } from '../service.fixture.ts';
import { GATE_WRITE_MS, Term } from './leader-term.fixture.ts';

const SERVICE = serviceRecord();
const BY_HAND: Listener = {
  id: 'lbl-9',
  name: 'by hand',
  protocol: 'TCP',
  port: 81,
  healthCheck: true,
  forwardingRules: [],
};

/** Every rule was read again by then. */
const AUDITED_MS = 400_000;

let term: Term;
beforeEach(() => {
  term = new Term();
});
afterEach(() => term.close());

test('a Service gets its listener, its Pod is bound, and the gate opens when CLB says it is healthy', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  expect(term.writes).toEqual(['createListeners 80', 'register lbl-80||10.0.0.1|80']);
  expect(term.log.at(-1)).toBe('gate of pod-1 open: LoadBalancerReady');
});

test('the way of a Pod is told stage by stage, from its first report to its gate', async () => {
  await term.services(SERVICE);
  const began = term.clock.now();
  await term.report(podRecord());
  const [stages] = term.entered;
  expect(stages?.map(({ stage }) => stage)).toEqual(ENTRY_STAGES);
  expect(stages?.at(-1)).toEqual({ stage: 'gate', durationMs: GATE_WRITE_MS });
  const wholeMs = stages?.reduce((sum, { durationMs }) => sum + durationMs, 0) ?? 0;
  const registeredAt = term.cloud.writes.find(({ kind }) => kind === 'register')?.startedAt ?? 0;
  expect(began + wholeMs).toBeGreaterThan(registeredAt + GATE_WRITE_MS);
});

test('what a gate waits for, and what differs from what is wanted, is known until it is over', async () => {
  await term.services(SERVICE);
  term.confirms = false;
  await term.report(podRecord());
  expect([term.gateWaits, term.mismatched]).toEqual([['WaitingForPod'], []]);
  term.confirms = true;
  const pods = [podRecord({ labels: { app: 'web', changed: 'yes' } })];
  term.hear({ type: 'snapshot', node: 'n1', session: 's', epoch: 'e', pods, consistent: true });
  await term.clock.advance(5);
  expect(term.mismatched).toEqual(['weight']);
  await term.goOn();
  expect([term.gateWaits, term.mismatched]).toEqual([[], []]);
});

test('a Pod that the API server has no more is not opened again on the word of its agent (L5)', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  term.confirms = false;
  term.miss('pod-1');
  for (const [key, binding] of term.cloud.bindings) term.cloud.bindings.set(key, { ...binding, weight: 0 });
  await term.clock.advance(AUDITED_MS);
  expect([...term.cloud.bindings.values()].map(({ weight }) => weight)).toEqual([0]);
});

test('a gate that a late write of another leader shuts is opened again (L3)', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  await term.report(podRecord({ gate: GateState.OPEN }));
  term.log.length = 0;
  await term.report(podRecord({ gate: GateState.CLOSED }));
  expect(term.log).toEqual(['gate of pod-1 open: LoadBalancerReady']);
});

test('of two ports, the one that somebody else has is told and left out; the other serves and opens the gate', async () => {
  term.cloud.listeners.push(BY_HAND);
  const ports: ServiceRecord['ports'] = [
    { port: 80, protocol: 'TCP' },
    { port: 81, protocol: 'TCP' },
  ];
  await term.services({ ...SERVICE, ports });
  await term.report(podRecord());
  expect(term.log).toContain('CD1005');
  expect(term.log.at(-1)).toBe('gate of pod-1 open: LoadBalancerReady');
});

test('a port that CLB refuses is told and left out: the other one is made all the same and opens the gate (L10)', async () => {
  const { createListeners } = term.cloud;
  term.cloud.createListeners = (id, request, signal) => {
    if (request.ports.includes(81)) term.cloud.answers.push(cloudError({ class: 'terminal', code: 'CD2017' }));
    return createListeners(id, request, signal);
  };
  const ports: ServiceRecord['ports'] = [
    { port: 80, protocol: 'TCP' },
    { port: 81, protocol: 'TCP' },
  ];
  await term.services({ ...SERVICE, ports });
  await term.report(podRecord());
  expect(term.log).toContain('CD2017');
  expect(term.cloud.listeners.map(listener => listener.port)).toEqual([80]);
  expect(term.log.at(-1)).toBe('gate of pod-1 open: LoadBalancerReady');
});

describe('a Pod that the leader before had bound', () => {
  const place = { listenerId: 'lbl-80', locationId: '', address: '10.0.0.1', port: 80 };
  const { namespace, name, uid } = podRecord();
  beforeEach(() => {
    term.cloud.listeners.push({
      id: 'lbl-80',
      name: `clb-direct-c1-${SERVICE.uid.slice(0, 8)}`,
      protocol: 'TCP',
      port: 80,
      healthCheck: true,
      forwardingRules: [],
    });
    term.cloud.bindings.set('bound', { ...place, weight: 10, tag: `cd1:c1:${namespace}/${name}:${uid}` });
  });

  test('gets its gate opened when that had not been done yet', async () => {
    await term.services({ ...SERVICE, finalized: true, recorded: ['lb-1'] });
    await term.report(podRecord());
    expect(term.log.at(-1)).toBe('gate of pod-1 open: LoadBalancerReady');
  });

  test('keeps its gate shut while it is not known yet what the load balancer has that its Service wants now (L3)', async () => {
    const { describeLoadBalancers } = term.cloud;
    term.cloud.describeLoadBalancers = async (query, signal) =>
      query.ids ? { ok: false, error: cloudError({}) } : describeLoadBalancers(query, signal);
    const annotations = { ...SERVICE.annotations, [EXISTING_LOAD_BALANCER_ANNOTATION]: 'lb-2' };
    await term.services({ ...SERVICE, annotations, recorded: ['lb-1', 'lb-2'] });
    await term.report(podRecord());
    expect(term.log.at(-1)).toBe('gate of pod-1 closed: WaitingForLoadBalancer');
  });

  test('at another port is bound at the one that is wanted now, and opened there', async () => {
    const ports = [{ port: 80, protocol: 'TCP' as const, targetPort: 8080 }];
    await term.services({ ...SERVICE, ports, finalized: true, recorded: ['lb-1'] });
    await term.report(podRecord({ gate: GateState.OPEN }));
    const weights = [...term.cloud.bindings.values()].map(({ port, weight }) => [port, weight]);
    expect(weights).toContainEqual([8080, 10]);
  });
});

test('a Service that only the watch still tells of gets nothing made: the leader before may have let it go', async () => {
  await term.services(SERVICE);
  term.listed = [];
  const annotations = { ...SERVICE.annotations, [EXISTING_LOAD_BALANCER_ANNOTATION]: 'lb-1' };
  const ports = [{ port: 81, protocol: 'TCP' as const }];
  const stale = { ...SERVICE, uid: 'uid-stale', name: 'stale', annotations, ports, recorded: ['lb-1'] };
  term.knowledge.services.apply({ type: 'applied', key: 'default/stale', item: stale, resourceVersion: '9' });
  await term.goOn();
  expect(term.cloud.listeners.map(({ name }) => name)).toEqual([`clb-direct-c1-${SERVICE.uid.slice(0, 8)}`]);
});

describe('a Service that is deleted', () => {
  test('loses its listeners, then its load balancer, then our finalizer', async () => {
    await term.services(SERVICE);
    await term.services({ ...SERVICE, deleting: true });
    expect(term.writes.slice(1)).toEqual(['deleteListeners lbl-80', 'delete lb-1']);
    expect(term.log.at(-1)).toBe('Service web released');
  });

  test('is let go only when lists must show what the leader before may have made for it (L8)', async () => {
    await term.close();
    term = new Term({ predecessorWritesUntil: 100_000 });
    await term.services({ ...SERVICE, finalized: true, recorded: ['lb-1'], deleting: true });
    await term.clock.advance(60_000);
    expect(term.log).not.toContain('Service web released');
    const name = `clb-direct-c1-${SERVICE.uid.slice(0, 8)}`;
    term.cloud.listeners.push({ ...BY_HAND, id: 'lbl-late', name });
    await term.clock.advance(150_000);
    expect(term.writes).toEqual(['deleteListeners lbl-late', 'delete lb-1']);
    expect(term.log.at(-1)).toBe('Service web released');
  });

  test('opens the gates of the Pods that waited for it, though an older list still had it', async () => {
    term.cloud.health = 'unhealthy';
    await term.services(SERVICE);
    await term.report(podRecord(), podRecord({ uid: 'pod-2', addresses: ['10.0.0.2'], labels: {} }));
    expect(term.log).toContain('gate of pod-2 open: NotSelected');
    expect(term.log).not.toContain('gate of pod-1 open: NotSelected');
    await term.services();
    expect(term.log).toContain('gate of pod-1 open: NotSelected');
  });

  test('keeps its load balancer, and says so, while somebody else has a listener there (L6)', async () => {
    await term.services(SERVICE);
    term.cloud.listeners.push(BY_HAND);
    await term.clock.advance(60_000);
    await term.services({ ...SERVICE, deleting: true });
    expect(term.log.at(-1)).toBe('CD1007');
    expect(term.cloud.balancerWrites).toEqual([]);
    term.cloud.listeners = [];
    // The next audit sees it.
    await term.clock.advance(240_000);
    expect(term.log.at(-1)).toBe('Service web released');
  });
});

test('a forwarding rule that nobody wants goes as soon as every load balancer that may hold something is known (L8)', async () => {
  const { cloud } = term;
  const forgotten = { locationId: 'loc-1', domain: 'example.com', url: '/' };
  cloud.listeners.push({
    ...BY_HAND,
    id: 'lbl-l7',
    name: 'clb-direct-c1-l7',
    protocol: 'HTTP',
    forwardingRules: [forgotten],
  });
  const describe = cloud.describeLoadBalancers;
  cloud.describeLoadBalancers = async (query, signal) =>
    query.ids?.includes('lb-2') ? { ok: false, error: cloudError({ class: 'retryable' }) } : describe(query, signal);
  const annotations = { [EXISTING_LOAD_BALANCER_ANNOTATION]: 'lb-2' };
  await term.services(SERVICE, serviceRecord({ uid: 'service-2', name: 'elsewhere', annotations }));
  expect(term.writes).toEqual(['createListeners 80']);
  cloud.describeLoadBalancers = describe;
  await term.clock.advance(60_000);
  expect(term.writes).toContain('deleteListeners lbl-l7');
});

test('somebody else who changes the weight of a target is told on its Service, and the weight is put back (L6)', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  await term.clock.advance(120_000);
  const key = 'lbl-80||10.0.0.1|80';
  const bound = term.cloud.bindings.get(key);
  if (bound) term.cloud.bindings.set(key, { ...bound, weight: 3 });
  await term.clock.advance(240_000);
  expect(term.log).toContain('CD3002');
  expect(term.cloud.bindings.get(key)?.weight).toBe(10);
});

test('an agent that gives its confirmed Pod another address has to be confirmed again before that opens (L12)', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  term.confirms = false;
  await term.report(podRecord({ addresses: ['10.0.0.66'] }));
  expect(term.cloud.bindings.get('lbl-80||10.0.0.66|80')?.weight).toBe(0);
});

test('a load balancer that goes and comes back is not written twice at once: its next lane waits for the last write (L7)', async () => {
  await term.services(SERVICE);
  term.cloud.writeMs = 100_000;
  await term.report(podRecord());
  await term.services();
  await term.services(SERVICE);
  expect(term.cloud.inFlight).toBe(1);
  await term.clock.advance(300_000);
  expect(term.cloud.inFlightMax).toBe(1);
  expect(term.cloud.bindings.get('lbl-80||10.0.0.1|80')?.weight).toBe(10);
});

test('a node whose end is announced is told once, its targets leave, and they serve again when it is not', async () => {
  await term.services(SERVICE);
  const elsewhere = podRecord({ uid: 'pod-2', addresses: ['10.0.0.2'] });
  await term.report(podRecord());
  await term.report(podRecord(), elsewhere);
  const pods = [podRecord({ uid: 'pod-3', addresses: ['10.0.0.3'] })];
  term.hear({ type: 'snapshot', node: 'n2', session: 's2', epoch: 'e2', pods, consistent: true });
  await term.goOn();
  const sign = { kind: 'shutdown', detail: 'by hand', seenAtMs: 0 } as const;
  for (let count = 0; count < 2; count += 1) term.hear({ type: 'notice', node: 'n1', session: 's', signs: [sign] });
  await term.goOn();
  expect(term.writes.at(-1)).toMatch(/^weights lbl-80\|\|10\.0\.0\.[12]\|80$/);
  term.hear({ type: 'notice', node: 'n1', session: 's', signs: [] });
  await term.goOn();
  expect(term.log.filter(line => line.startsWith('CD3003'))).toEqual([
    'CD3003 on node n1: leaves',
    'CD3003 on node n1: stays',
  ]);
  expect(term.log.some(line => line.includes('gate') && line.includes('closed: NodeLeaving'))).toBe(false);
});

test('a node without a Pod of ours is not told that it leaves', async () => {
  await term.services(SERVICE);
  const sign = { kind: 'shutdown', detail: '', seenAtMs: 0 } as const;
  term.hear({ type: 'notice', node: 'n1', session: 's', signs: [sign] });
  await term.goOn();
  expect(term.log).toEqual([]);
});

describe('after a leader whose last write CLB may still be carrying out', () => {
  const UNTIL_MS = 200_000;
  const request: DrainRequest = { podUid: 'pod-1', phase: DrainPhase.BEGIN, budgetMs: 300_000 };
  beforeEach(async () => {
    await term.close();
    term = new Term({ predecessorWritesUntil: UNTIL_MS });
    await term.services(SERVICE);
  });

  test('targets are written at once, but gates open only on what is read when it is over (L7)', async () => {
    await term.report(podRecord());
    expect(term.writes).toEqual(['createListeners 80', 'register lbl-80||10.0.0.1|80']);
    await term.clock.advance(UNTIL_MS - term.clock.now() - 1);
    expect(term.log).not.toContain('gate of pod-1 open: LoadBalancerReady');
    await term.clock.advance(2_000);
    expect(term.log.at(-1)).toBe('gate of pod-1 open: LoadBalancerReady');
  });

  test('no hook is answered on what is read before it is over (L7)', async () => {
    await term.report(podRecord());
    await term.report(podRecord({ deletion: { seenAtMs: 1, gracePeriodSeconds: 300 } }));
    term.hear({ type: 'drain', node: 'n1', session: 's', request });
    await term.clock.advance(UNTIL_MS - term.clock.now() - 1);
    expect(term.cloud.bindings.get('lbl-80||10.0.0.1|80')?.weight).toBe(0);
    expect(term.log.at(-1)).toBe('drain of pod-1: ACCEPTED');
    await term.clock.advance(2_000);
    expect(term.log.at(-1)).toBe('drain of pod-1: WEIGHT_ZERO');
  });
});

test('a Pod whose hook was called opens again only when the API server, too, knows of no deletion (L4)', async () => {
  const hook = (phase: DrainPhase) =>
    term.hear({ type: 'drain', node: 'n1', session: 's', request: { podUid: 'pod-1', phase, budgetMs: 5_000 } });
  const weight = () => term.cloud.bindings.get('lbl-80||10.0.0.1|80')?.weight;
  await term.services(SERVICE);
  await term.report(podRecord(), podRecord({ uid: 'pod-2', addresses: ['10.0.0.2'] }));
  term.confirms = false;
  hook(DrainPhase.BEGIN);
  await term.goOn();
  hook(DrainPhase.ANSWERED);
  await term.goOn();
  expect(weight()).toBe(0);
  term.confirms = true;
  await term.goOn();
  expect(weight()).toBe(10);
});

test('a drain that was cut short is told on its Pod', async () => {
  await term.services(SERVICE);
  await term.report(podRecord());
  const answer = { reason: 'no-leader', connectionsLeft: 0, heldMs: 3_000 };
  const request = { podUid: 'pod-1', phase: DrainPhase.ANSWERED, budgetMs: 0, answer };
  term.hear({ type: 'drain', node: 'n1', session: 's', request });
  expect(term.log.at(-1)).toBe('CD3004 on Pod pod-1');
});
