import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { READINESS_GATE } from '../../common/names.ts';
import { CERTIFICATE_TERMS } from '../../coordinator/webhook/certificate-step.ts';
import { fakeIssuer } from '../../coordinator/webhook/issuer.fixture.ts';
import { OwnCertificates } from '../../coordinator/webhook/own-certificates.ts';
import { Upkeep } from '../../coordinator/webhook/upkeep.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, SERVICES, service } from './manifests.ts';
import { startTraffic, type Traffic, untilServing } from './traffic.ts';
import { type DutyEdges, World } from './world.ts';

const NAME = 'web';
const REPLICAS = 3;
const NAMESPACE = '/api/v1/namespaces/clb-direct';
const SECRET = `${NAMESPACE}/secrets/clb-direct-tls`;
const CONFIG_MAP = `${NAMESPACE}/configmaps/clb-direct-ca`;
const WEBHOOK = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/clb-direct';

let world: World;
let traffic: Traffic;
/** Every Pod of the Deployment that was ever seen, by UID, as it was born. */
let born: Map<string, Pod>;

beforeEach(async () => {
  world = new World({ seed: 31, leaderDuty });
  born = new Map();
  await world.start();
  await world.create(`${NAMESPACE}/services`, {
    metadata: { name: 'clb-direct-webhook' },
    spec: { ports: [{ name: 'tls', port: 9444 }] },
  });
  await world.create('/apis/discovery.k8s.io/v1/namespaces/clb-direct/endpointslices', {
    metadata: { name: 'clb-direct-webhook', labels: { 'kubernetes.io/service-name': 'clb-direct-webhook' } },
    addressType: 'IPv4',
    ports: [{ name: 'tls', port: 9444 }],
    endpoints: [{ addresses: ['10.0.0.9'] }],
  });
  await world.clock.advance(10_000);
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
  await world.create(SERVICES, service(NAME));
  await untilServing(world, NAME, REPLICAS);
  traffic = await startTraffic(world, NAME);
});

afterEach(() => world.close());

test('whatever is deleted or edited while Pods are made is put right, and Pods born without the webhook are bound and drained', async () => {
  const ungated = new Map<string, number>();
  for (const [name, method, path, patch] of [
    ['Secret deleted', 'DELETE', SECRET],
    ['Secret edited', 'PATCH', SECRET, { data: { 'tls.crt': 'anVuaw==' } }],
    ['ConfigMap deleted', 'DELETE', CONFIG_MAP],
    ['ConfigMap edited', 'PATCH', CONFIG_MAP, { data: { 'ca.crt': 'junk' } }],
    ['registration deleted', 'DELETE', WEBHOOK],
    ['registration emptied', 'PATCH', WEBHOOK, { webhooks: [] }],
  ] as const) {
    const before = contentOf(await world.request('GET', path));
    const known = new Set(born.keys());
    world.send(method, path, patch);
    await scale(2 * REPLICAS);
    expect(contentOf(await world.request('GET', path))).toEqual(before);
    ungated.set(name, [...born.values()].filter(pod => !known.has(uidOf(pod)) && !isGated(pod)).length);
    await expectEachBound();
    await scale(REPLICAS);
  }
  expect(Object.fromEntries(ungated)).toEqual({
    'Secret deleted': 0,
    'Secret edited': 0,
    'ConfigMap deleted': 0,
    'ConfigMap edited': 0,
    'registration deleted': REPLICAS,
    'registration emptied': REPLICAS,
  });
  // Old Pods and new ones go: every target of a Pod that is no more has left.
  await scale(0);
  expect(targets()).toEqual([]);
  await traffic.stop();
  expect(breaches(world)).toEqual([]);
  const unhooked = [...born.values()].filter(pod => !isGated(pod)).map(pod => pod.status?.podIP);
  const lostOn = new Set(traffic.tally.losses.map(({ target }) => target).filter(target => target !== undefined));
  // Nobody held the SIGTERM of those.
  for (const target of lostOn) expect(unhooked).toContain(target);
});

function leaderDuty(lent: DutyEdges): (signal: AbortSignal) => Promise<void> {
  const source = new OwnCertificates({ ...lent, issuer: fakeIssuer(), terms: CERTIFICATE_TERMS });
  const upkeep = new Upkeep({
    ...lent,
    names: DEFAULT_INSTANCE,
    source,
    instance: lent.name,
    webhookParts: 1,
    onWritten: () => {},
  });
  return async signal => {
    await upkeep.obtain(signal);
    await Promise.all([upkeep.follow(() => {}, signal), upkeep.lead(signal)]);
  };
}

async function scale(replicas: number): Promise<void> {
  await world.request('PATCH', `${DEPLOYMENTS}/${NAME}`, { spec: { replicas } }, MERGE_PATCH);
  for (let second = 0; second < 90; second += 1) {
    await world.clock.advance(1_000);
    for (const pod of await world.pods()) if (pod.status?.podIP) born.set(uidOf(pod), pod);
  }
  if (replicas > 0) await untilServing(world, NAME, replicas);
}

async function expectEachBound(): Promise<void> {
  const addresses = (await world.pods()).map(pod => pod.status?.podIP ?? '');
  expect(targets().sort()).toEqual(addresses.sort());
}

/** Addresses of all targets that CLB has, with a weight. */
function targets(): string[] {
  const bound = new Map<string, number>();
  for (const record of world.journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (!('address' in change)) continue;
      if (change.kind === 'target-deregistered') bound.delete(change.address);
      else bound.set(change.address, change.weight);
    }
  }
  return [...bound].flatMap(([address, weight]) => (weight > 0 ? [address] : []));
}

function isGated(pod: Pod): boolean {
  return pod.spec.readinessGates?.some(({ conditionType }) => conditionType === READINESS_GATE) ?? false;
}

function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? '';
}

function contentOf(object: unknown): object {
  const { metadata, ...content } = object as Pod & object;
  return { name: metadata.name, content };
}
