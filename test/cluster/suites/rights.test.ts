import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import { findHelm } from '../../chart/helm.ts';
import { rightsOf } from '../../chart/rights.ts';
import { certificateFiles } from '../credentials.ts';
import { openCluster } from '../harness.ts';
import { playBroadRun, removeBroadRun } from '../product/broad-run.ts';
import { helm, helmApply, importImage, prepareNamespace, removeRemains } from '../product/chart.ts';
import { tokenUntil } from '../product/forged-token.ts';
import { leaks } from '../product/leaks.ts';
import { cloudKey, type LoadBalancers, startLoadBalancers } from '../product/load-balancers.ts';
import { names, ports, productFolder } from '../product/names.ts';
import { type ReportDoor, reportDoor } from '../product/report-door.ts';
import { serveServiceNames } from '../product/service-names.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const inNamespace = `--namespace=${names.namespace}`;
const stop = new AbortController();
const values = [
  'coordinator.logLevel=debug',
  'agent.logLevel=debug',
  // One node has no agent, so that the coordinators watch its Pods themselves.
  'agent.nodeSelector.agent=wanted',
];
const witness = 'witness';
const agentAccount = { namespace: names.namespace, serviceAccount: names.agent, audience: 'clb-direct' };
/** The API server and the coordinator each remember for 10 s that a token was good. */
const forgottenAfterMs = 40_000;
const MINUTE_SECONDS = 60;

let product: LoadBalancers;
let doors: readonly ReportDoor[] = [];
let installedAtMs = 0;

const productPods = async (component: string) => {
  const selector = `--selector=app.kubernetes.io/component=${component}`;
  return (await cluster.get<{ items: readonly Pod[] }>(['pods', inNamespace, selector])).items;
};
const tokenOf = (pod: string) => cluster.createBoundToken({ ...agentAccount, boundTo: { kind: 'Pod', name: pod } });

/** What every coordinator says to a token. */
async function answers(token: string, node = 'node1'): Promise<string> {
  const said = await Promise.all(doors.map(door => door.knock(token, node)));
  return [...new Set(said)].join('; ');
}

/** A Pod that does nothing, on node1. */
async function createPod(name: string, namespace: string, serviceAccountName: string): Promise<void> {
  const containers = [{ name, image: 'pause' }];
  const spec = { serviceAccountName, nodeName: 'node1', terminationGracePeriodSeconds: 0, containers };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec };
  await cluster.kubectl(['create', '--filename=-'], JSON.stringify(pod));
  await cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, `--namespace=${namespace}`, '--timeout=60s']);
}

beforeAll(async () => {
  await Promise.all([importImage(cluster), prepareNamespace(cluster), serveServiceNames(cluster, stop.signal)]);
  await cluster.kubectl(['label', '--overwrite', 'node', 'node1', 'node2', 'agent=wanted']);
  product = await startLoadBalancers(cluster);
  installedAtMs = clock.wallNow();
  await helmApply(cluster, 'install', values);
  await createPod(witness, names.namespace, names.agent);
  const authority = await cluster.get<{ data: Record<string, string> }>(['configmap', 'clb-direct-ca', inNamespace]);
  const folder = productFolder(cluster.settings);
  const authorityFile = join(folder, 'installed-ca.crt');
  writeFileSync(authorityFile, authority.data['ca.crt'] ?? '');
  const coordinators = await productPods('coordinator');
  doors = coordinators.map(({ status }, index) =>
    reportDoor({ address: status?.podIP ?? '', authorityFile, tokenFile: join(folder, `knocking-${index}.token`) }),
  );
}, 180_000);

afterAll(async () => {
  await cluster.kubectl(['delete', 'pod', '--ignore-not-found', '--force', 'stranger']);
  await removeRemains(cluster);
  await cluster.kubectl(['label', 'node', 'node1', 'node2', 'agent-']);
  stop.abort();
  await product?.stop();
}, 180_000);

describe('a report stream', () => {
  test("is opened for a token of an agent's Pod that names its own node", async () => {
    expect(doors).toHaveLength(2);
    expect(await answers(await tokenOf(witness))).toBe('welcome');
  });

  test('is not opened for another node', async () => {
    expect(await answers(await tokenOf(witness), 'node2')).toMatch(/^PERMISSION_DENIED: .*bound to node "node1"/);
  });

  test('is not opened for another ServiceAccount', async () => {
    await createPod('stranger', 'default', 'default');
    const boundTo = { kind: 'Pod', name: 'stranger' } as const;
    const account = { namespace: 'default', serviceAccount: 'default', audience: 'clb-direct' };
    const token = await cluster.createBoundToken({ ...account, boundTo });
    expect(await answers(token)).toMatch(/^UNAUTHENTICATED: .*system:serviceaccount:default:default/);
  });

  test('is not opened for a token that is for somebody else', async () => {
    const boundTo = { kind: 'Pod', name: witness } as const;
    const token = await cluster.createBoundToken({ ...agentAccount, audience: 'other.example.com', boundTo });
    expect(await answers(token)).toMatch(/^UNAUTHENTICATED: .*audience/);
  });

  test('is not opened for a token that is bound to a node alone, or to nothing', async () => {
    const ofNode = await cluster.createBoundToken({ ...agentAccount, boundTo: { kind: 'Node', name: 'node1' } });
    expect(await answers(ofNode)).toMatch(/^UNAUTHENTICATED: .*not bound to a Pod/);
    const create = ['create', 'token', names.agent, inNamespace, '--audience=clb-direct'];
    expect(await answers((await cluster.kubectl(create)).trim())).toMatch(/^UNAUTHENTICATED: .*not bound to a Pod/);
  });

  test('is not opened for a token that has expired', async () => {
    const key = readFileSync(certificateFiles(cluster.paths).tokenPrivateKey, 'utf8');
    const token = await tokenOf(witness);
    const nowSeconds = Math.floor(clock.wallNow() / 1000);
    expect(await answers(tokenUntil(token, nowSeconds + 10 * MINUTE_SECONDS, key))).toBe('welcome');
    expect(await answers(tokenUntil(token, nowSeconds - MINUTE_SECONDS, key))).toMatch(/^UNAUTHENTICATED: .*expired/);
  });

  test('is not opened any more for a token of a Pod that was deleted', async () => {
    const [used, fresh] = [await tokenOf(witness), await tokenOf(witness)];
    expect(await answers(used)).toBe('welcome');
    await cluster.kubectl(['delete', 'pod', witness, inNamespace, '--grace-period=0', '--force']);
    await waitUntil(clock, 'the used token to be forgotten', forgottenAfterMs, async () =>
      /^UNAUTHENTICATED/.test(await answers(used)),
    );
    expect(await answers(fresh)).toMatch(/^UNAUTHENTICATED: .*invalidated/);
  });
});

/** Rights that no run here uses, each with who does. */
const usedElsewhere: Readonly<Record<string, string>> = {
  'coordinator: get services': 'service-status.ts reads a Service again that changed while it was written',
  'coordinator: get ingresses.networking.k8s.io': 'and so an Ingress',
  'release: get services': 'load-balancers.ts does so in a removal',
  'release: get ingresses.networking.k8s.io': 'and so with an Ingress',
  'agent: get pods': 'deletion-question.ts, when preStop is called before the watch has told of a deletion',
};

describe('after a run of all that it does, and its removal', () => {
  /** Everything the processes say, while they run. */
  const places: Record<string, string> = {};
  const secrets: Record<string, string> = {};

  beforeAll(async () => {
    await playBroadRun(clock, cluster);
    await collectSecrets(secrets);
    await collectPlaces(places);
    await helm(cluster, ['uninstall', 'clb-direct', '--wait', '--timeout=150s']);
    await removeBroadRun(cluster);
  }, 600_000);

  test('no key and no token stands in a log, an Event, a metric, on the status page, in arguments or in any other object', () => {
    expect(Object.keys(secrets).filter(name => name.startsWith('token')).length).toBeGreaterThanOrEqual(4);
    expect(Object.entries(places).filter(([, text]) => text === '')).toEqual([]);
    expect(leaks(secrets, places)).toEqual([]);
  });

  test.each(['coordinator', 'agent', 'release'] as const)('the %s was refused nothing', process => {
    const refused = deedsOf(process).filter(({ status }) => status === 401 || status === 403);
    expect([...new Set(refused.map(request => JSON.stringify(request)))]).toEqual([]);
  });

  test.each(['coordinator', 'agent', 'release'] as const)('the %s has no right that it did not use', async process => {
    const chart = await findHelm();
    if (typeof chart === 'string') throw new Error(chart);
    const rights = rightsOf(await chart.render(), `clb-direct-${process}`);
    const deeds = deedsOf(process);
    const idle = rights.filter(right => !deeds.some(({ deed }) => right.allows(deed)));
    const unused = idle.map(({ text }) => `${process}: ${text}`).filter(text => usedElsewhere[text] === undefined);
    expect(rights.length).toBeGreaterThan(0);
    expect(unused).toEqual([]);
  });
});

function deedsOf(process: string) {
  // Those before are of other suites.
  const requests = cluster.auditedRequests().filter(({ atMs }) => atMs >= installedAtMs);
  return requests.filter(({ serviceAccount }) => serviceAccount === `clb-direct-${process}`);
}

async function collectSecrets(secrets: Record<string, string>): Promise<void> {
  secrets['cloud key'] = cloudKey.secretKey;
  const { data } = await cluster.get<{ data: Record<string, string> }>(['secret', 'clb-direct-tls', inNamespace]);
  for (const [name, value] of Object.entries(data)) {
    const text = Buffer.from(value, 'base64').toString('utf8');
    if (text.includes('PRIVATE KEY')) secrets[`TLS ${name}`] = text;
  }
  const read = 'for f in /var/lib/kubelet/pods/*/volumes/kubernetes.io~projected/*/token; do cat $f; echo; done';
  for (const node of cluster.nodes) {
    const { stdout } = await cluster.runOnNode(node, ['sh', '-c', read]);
    // The file of a Pod that is just going is gone after the shell has listed it.
    const tokens = stdout.split('\n').filter(line => line !== '');
    for (const [index, token] of tokens.entries()) secrets[`token ${index} of ${node}`] = token;
  }
}

async function collectPlaces(places: Record<string, string>): Promise<void> {
  const selector = '--selector=app.kubernetes.io/name=clb-direct';
  places.logs = await cluster.kubectl(['logs', inNamespace, selector, '--tail=-1', '--prefix', '--all-containers']);
  places.Events = await cluster.kubectl(['get', 'events', '--all-namespaces', '--output=json']);
  const kinds =
    'pods,services,deployments,daemonsets,replicasets,configmaps,leases,ingresses,networkpolicies,serviceaccounts';
  places.objects = await cluster.kubectl(['get', kinds, '--all-namespaces', '--output=json']);
  for (const { metadata, status } of await productPods('coordinator')) {
    for (const path of ['', 'metrics', 'healthz', 'readyz']) {
      places[`${metadata.name}/${path}`] = await textAt(`http://${status?.podIP}:${ports.http}/${path}`);
    }
  }
  for (const { metadata, status } of await productPods('agent')) {
    places[`${metadata.name}/metrics`] = await textAt(`http://${status?.podIP}:${ports.agentMetrics}/metrics`);
  }
  for (const node of cluster.nodes) {
    places[`arguments on ${node}`] = (await cluster.runOnNode(node, ['sh', '-c', 'cat /proc/[0-9]*/cmdline'])).stdout;
  }
}

async function textAt(url: string): Promise<string> {
  return (await fetch(url)).text();
}
