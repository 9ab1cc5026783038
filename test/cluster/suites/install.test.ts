import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { findHelm } from '../../chart/helm.ts';
import { variants } from '../../chart/variants.ts';
import { missingPrometheus, Prometheus } from '../../dashboards/prometheus-process.ts';
import { lookAt } from '../../dashboards/scene-faults.ts';
import { openCluster } from '../harness.ts';
import { changeUnderLoad } from '../product/change-under-load.ts';
import { helm, helmApply, helmTimeout, importImage, prepareNamespace, removeRemains } from '../product/chart.ts';
import { type LoadBalancers, startLoadBalancers } from '../product/load-balancers.ts';
import { clientAddressPrefix, names } from '../product/names.ts';
import { momentsTable, orderProblems } from '../product/pod-moments.ts';
import { shareProcessor, unshareProcessor } from '../product/processor-share.ts';
import { serveServiceNames } from '../product/service-names.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const examples = join(import.meta.dirname, '../../../examples');
const rulesFile = join(import.meta.dirname, '../../../charts/clb-direct/files/rules.yaml');
const COORDINATOR_METRICS_PORT = 9442;
const AGENT_METRICS_PORT = 19_441;
const HOOK_PORT = 19_440;
/** What comes last is scraped a few times more. */
const SCRAPED_AFTER_MS = 6_000;
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

/** The address of each of the objects, by its name. */
async function addressesOf(what: readonly string[], field = '.status.podIP'): Promise<ReadonlyMap<string, string>> {
  const row = `{.metadata.name} {${field}}{"\\n"}`;
  const rows = await cluster.kubectl(['get', ...what, `--output=jsonpath={range .items[*]}${row}{end}`]);
  return new Map(
    rows
      .trim()
      .split('\n')
      .map(text => text.split(' ') as [string, string]),
  );
}

/** What a Pod of ours is told on the cluster network; the last address has to answer. */
async function knock(pod: string, urls: readonly string[]): Promise<readonly string[]> {
  const format = '%{url} %{exitcode} %{http_code}\\n';
  const calls = urls.flatMap(url => ['--output', '/dev/null', url]);
  const curl = ['curl', '--silent', '--max-time', '3', '--write-out', format, ...calls];
  const told = await cluster.kubectl(['exec', pod, inNamespace, '--', ...curl]);
  return told
    .trim()
    .split('\n')
    .map(line => line.replace(/ 0 (\d+)$/, ' $1').replace(/ 7 000$/, ' refused'));
}

/** A Prometheus that reads what the chart's monitors would have it read. */
async function scrape(): Promise<Prometheus> {
  const component = (name: string) => `--selector=app.kubernetes.io/component=${name}`;
  const targets = async (name: string, port: number) => {
    const { items } = await cluster.get<{ items: readonly Pod[] }>(['pods', inNamespace, component(name)]);
    return { name: `${name}s`, targets: items.map(({ status }) => `${status?.podIP}:${port}`) };
  };
  const jobs = [await targets('coordinator', COORDINATOR_METRICS_PORT), await targets('agent', AGENT_METRICS_PORT)];
  return Prometheus.start({ clock, jobs, namespace: names.namespace, rulesFile, address: '127.0.0.1:19090' });
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
  await shareProcessor(cluster, 'default');
  product = await startLoadBalancers(cluster);
}, 120_000);

afterAll(async () => {
  // While there are coordinators: the Service waits for them to give its load balancer back.
  await cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '--filename', examples]);
  await removeRemains(cluster);
  await unshareProcessor(cluster, 'default');
  stop.abort();
  await product?.stop();
}, 180_000);

test('the API server takes every object of every variant of the chart, and knows every field', async () => {
  const helm = await findHelm();
  if (typeof helm === 'string') throw new Error(helm);
  const rendered = await Promise.all(Object.values(variants).map(values => helm.render(values)));
  const known = rendered
    .flat()
    .filter(({ apiVersion }) => !/^(monitoring\.coreos\.com|cert-manager\.io)\//.test(apiVersion));
  const items = [...new Set(known.map(object => JSON.stringify(object)))].map(text => JSON.parse(text) as object);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await cluster.kubectl(['apply', '--dry-run=server', '--validate=strict', '--filename=-'], list);
});

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

  test('is refused a second time, since two would open and shut the same gates', async () => {
    const second = helmApply(cluster, 'install', [], { namespace: 'default', release: 'second' });
    await expect(second).rejects.toThrow(/clb-direct already runs in namespace clb-direct/);
  });

  test('breaks Pod Security "restricted" with its agents alone', async () => {
    const label = ['label', '--dry-run=server', '--overwrite', 'namespace', names.namespace];
    const { stderr } = await cluster.run(['kubectl', ...label, 'pod-security.kubernetes.io/enforce=restricted']);
    expect(stderr).toContain('clb-direct-agent');
    expect(stderr).not.toContain('clb-direct-coordinator');
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

  test('has hooks that no other Pod can call, on no node and of no Pod; what agents count may be read', async () => {
    const coordinators = await addressesOf(['pods', inNamespace, '--selector=app.kubernetes.io/component=coordinator']);
    const nodes = await addressesOf(['nodes'], '.status.addresses[?(@.type=="InternalIP")].address');
    const hooked = await addressesOf(['pods', `--selector=${selector}`]);
    expect([coordinators.size, nodes.size, hooked.size]).toEqual([2, cluster.nodes.length, 3]);
    for (const pod of coordinators.keys()) {
      const doors = [...nodes.values(), ...hooked.values()].map(address => `http://${address}:${HOOK_PORT}/`);
      const metrics = [...nodes.values()].map(address => `http://${address}:${AGENT_METRICS_PORT}/metrics`);
      expect(await knock(pod, [...doors, ...metrics])).toEqual([
        ...doors.map(url => `${url} refused`),
        ...metrics.map(url => `${url} 200`),
      ]);
    }
  });

  test('shows a rolling update on every panel of its dashboards', async ({ skip }) => {
    const lacking = missingPrometheus();
    if (lacking !== undefined) skip(lacking);
    await using prometheus = await scrape();
    const startMs = clock.wallNow();
    await restart();
    await rolledOut();
    const podsLeft = async () =>
      (await cluster.get<{ items: readonly Pod[] }>(['pods', `--selector=${selector}`])).items;
    await waitUntil(clock, 'the old Pods to be gone', 60_000, async () => (await podsLeft()).length === 3);
    await sleep(clock, SCRAPED_AFTER_MS, stop.signal);
    const { faults } = await lookAt({ prometheus, time: { startMs, endMs: clock.wallNow() } });
    expect(faults).toEqual([]);
  }, 200_000);

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
      await helm(cluster, ['rollback', 'clb-direct', '1', '--wait', helmTimeout]);
      await rolledOut();
    });
  }, 300_000);

  test('runs without any access to its nodes, if that is asked for', async () => {
    const accesses = ['redirect', 'runtimeEvents', 'connections', 'shutdownNotice', 'spotNotice'];
    await helmApply(
      cluster,
      'upgrade',
      accesses.map(access => `agent.${access}.enabled=false`),
    );
    const pods = ['get', 'pods', inNamespace, '--selector=app.kubernetes.io/component=agent'];
    // Those before end when the calls that they may still get are answered.
    await waitUntil(clock, 'only agents that are ready', 30_000, async () => {
      const lines = (await cluster.kubectl([...pods, '--no-headers'])).trim().split('\n');
      return lines.length === cluster.nodes.length && lines.every(line => / 1\/1 +Running +0 /.test(line));
    });
    await helm(cluster, ['rollback', 'clb-direct', '1', '--wait', helmTimeout]);
    expect(await redirects()).toHaveLength(cluster.nodes.length);
  });

  test('has rights for all that it did', async () => {
    const logs = ['logs', inNamespace, '--selector=app.kubernetes.io/name=clb-direct', '--tail=-1', '--prefix'];
    const refusals = (await cluster.kubectl(logs)).split('\n').filter(line => /forbidden|RightMissing/i.test(line));
    expect(refusals).toEqual([]);
  });

  test('hands the cluster back when it is removed: traffic goes on, and nothing is left on the nodes', async () => {
    await helm(cluster, ['uninstall', 'clb-direct', '--wait', '--timeout=150s']);
    expect(await redirects()).toEqual([]);
    const left = ['all,secrets,configmaps,leases', inNamespace, '--selector=app.kubernetes.io/name=clb-direct'];
    await waitUntil(clock, 'the Pod of the release to go', 20_000, async () => {
      return (await cluster.kubectl(['get', ...left, '--output=name'])) === '';
    });
    const wide = ['clusterrole,clusterrolebinding,mutatingwebhookconfiguration,ingressclass'];
    expect(await cluster.kubectl(['get', ...wide, '--output=name'])).not.toContain('clb-direct');
    const service = await cluster.get<{ metadata: object }>(['service', 'nginx-service-eni']);
    expect(service.metadata).not.toHaveProperty('finalizers');
    const calls = product.journal().flatMap(record => (record.kind === 'call' ? [record] : []));
    const renamed = calls.filter(({ action }) => action === 'ModifyLoadBalancerAttributes');
    expect(renamed.map(({ parameters }) => parameters)).toContainEqual(
      expect.objectContaining({ LoadBalancerName: expect.stringMatching(/^released-clb-direct-/) }),
    );
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
