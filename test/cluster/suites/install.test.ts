import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { openCluster } from '../harness.ts';
import { changeUnderLoad } from '../product/change-under-load.ts';
import { helm, helmApply, importImage, prepareNamespace, removeRemains } from '../product/chart.ts';
import { type LoadBalancers, startLoadBalancers } from '../product/load-balancers.ts';
import { clientAddressPrefix, names } from '../product/names.ts';
import { momentsTable, orderProblems } from '../product/pod-moments.ts';
import { serveServiceNames } from '../product/service-names.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const examples = join(import.meta.dirname, '../../../examples');
const deployment = 'deployment/nginx-deployment-eni';
const selector = 'app=nginx';
const inNamespace = `--namespace=${names.namespace}`;
const stop = new AbortController();

let product: LoadBalancers;
let virtualAddress = '';

const rolledOut = () => cluster.kubectl(['rollout', 'status', deployment, '--timeout=120s']);
const restart = () => cluster.kubectl(['rollout', 'restart', deployment]);

/** @returns the nft tables of ours on each node */
async function redirects(): Promise<readonly string[]> {
  const tables = await Promise.all(cluster.nodes.map(node => cluster.runOnNode(node, ['nft', 'list', 'tables'])));
  return tables.flatMap(({ stdout }) => stdout.split('\n').filter(line => line.includes('clb_direct')));
}

/** Requests through a change of the Pods, of which none may be lost. */
async function expectNothingLost(clients: readonly [number, number], change: () => Promise<unknown>): Promise<void> {
  const load = { virtualAddress, selector, clients, keepAliveRequests: 16, drainSeconds: 30, change };
  const { report, gone } = await changeUnderLoad({ clock, cluster, product }, load);
  process.stdout.write(`\n${momentsTable(gone)}\n${reportText(report)}\n`);
  expect(report.losses).toEqual([]);
  expect(report.lostTotal).toBe(0);
  expect(gone.flatMap(orderProblems)).toEqual([]);
}

beforeAll(async () => {
  await Promise.all([importImage(cluster), prepareNamespace(cluster), serveServiceNames(cluster, stop.signal)]);
  product = await startLoadBalancers(cluster);
}, 120_000);

afterAll(async () => {
  // While there are coordinators: the Service waits for them to give its load balancer back.
  await cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '--filename', examples]);
  await removeRemains(cluster);
  stop.abort();
  await product?.stop();
}, 180_000);

describe('the chart, with region, VPC and key', () => {
  test('is installed, and everything is ready', async () => {
    await helmApply(cluster, 'install');
    const { stdout } = await helm(cluster, ['status', 'clb-direct']);
    expect(stdout).toContain('STATUS: deployed');
    const pods = await cluster.kubectl(['get', 'pods', inNamespace, '--output=wide']);
    process.stdout.write(`\n${pods}`);
    expect(pods.match(/ 1\/1 +Running +0 /g)).toHaveLength(cluster.nodes.length + 2);
  });

  test('has agents that see all they need', async () => {
    const check = ['exec', 'daemonset/clb-direct-agent', inNamespace, '--', 'clb-direct', 'agent', '--check'];
    process.stdout.write(`\n${await cluster.kubectl(check)}`);
    expect(await redirects()).toHaveLength(cluster.nodes.length);
  });

  test('gives the example manifests an EXTERNAL-IP and READINESS GATES 1/1', async () => {
    await cluster.kubectl(['apply', '--filename', examples]);
    await rolledOut();
    const rows = (await cluster.kubectl(['get', 'pods', `--selector=${selector}`, '--output=wide'])).trim().split('\n');
    expect(rows.slice(1).map(line => line.trim().split(/\s+/).at(-1))).toEqual(['1/1', '1/1', '1/1']);
    const service = await cluster.kubectl(['get', 'service', 'nginx-service-eni', '--no-headers']);
    virtualAddress = service.split(/\s+/)[3] ?? '';
    expect(virtualAddress).toMatch(/^10\.250\.2\.\d+$/);
  });

  test('loses nothing in a rolling update while it is upgraded itself, agents and coordinators alike', async () => {
    const before = await cluster.kubectl(['get', 'pods', inNamespace, '--output=name']);
    await expectNothingLost([110, 129], async () => {
      await restart();
      await helmApply(cluster, 'upgrade', ['coordinator.logLevel=debug', 'agent.logLevel=debug']);
      await rolledOut();
    });
    const after = (await cluster.kubectl(['get', 'pods', inNamespace, '--output=name'])).split('\n');
    expect(after.filter(pod => pod !== '' && before.includes(pod))).toEqual([]);
  }, 300_000);

  test('is rolled back under load as well', async () => {
    await expectNothingLost([130, 149], async () => {
      await restart();
      await helm(cluster, ['rollback', 'clb-direct', '1', '--wait', '--timeout=100s']);
      await rolledOut();
    });
  }, 300_000);

  test('hands the cluster back when it is removed: traffic goes on, and nothing is left on the nodes', async () => {
    await helm(cluster, ['uninstall', 'clb-direct', '--wait', '--timeout=150s']);
    expect(await redirects()).toEqual([]);
    const left = ['all,secrets,configmaps,leases', inNamespace, '--selector=app.kubernetes.io/name=clb-direct'];
    expect(await cluster.kubectl(['get', ...left, '--output=name'])).toBe('');
    const wide = ['clusterrole,clusterrolebinding,mutatingwebhookconfiguration,ingressclass'];
    expect(await cluster.kubectl(['get', ...wide, '--output=name'])).not.toContain('clb-direct');
    const service = await cluster.get<{ metadata: object }>(['service', 'nginx-service-eni']);
    expect(service.metadata).not.toHaveProperty('finalizers');
    const client = `${clientAddressPrefix}150`;
    await cluster.run(['node', '-e', `require('http').get({host:'${virtualAddress}',localAddress:'${client}'})`]);
    await waitUntil(clock, 'the request in the log', 5_000, () =>
      cluster.loggedRequests().find(request => request.client === client),
    );
  }, 200_000);

  test('leaves nothing that hangs: a rollout completes, Services and namespaces can be deleted', async () => {
    await restart();
    await rolledOut();
    await cluster.kubectl(['delete', '--timeout=60s', '--filename', examples]);
    await cluster.kubectl(['delete', 'namespace', names.namespace, '--timeout=60s']);
  }, 200_000);
});
