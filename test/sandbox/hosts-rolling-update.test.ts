import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import type { Ingress } from '../../common/kube/objects.ts';
import { systemRandom } from '../../common/random.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../sandbox/cluster/low-ports.ts';
import { createAll } from '../../sandbox/cluster/manifest.ts';
import { type Sandbox, startSandbox } from '../../sandbox/cluster/start-sandbox.ts';
import { ClusterReader } from '../../sandbox/demo/cluster-reader.ts';
import { awaitProduct } from '../../sandbox/demo/install.ts';
import { LoadProcess } from '../../sandbox/demo/load-process.ts';
import { Progress } from '../../sandbox/demo/progress.ts';
import { sideManifests } from '../../sandbox/demo/workloads.ts';
import { STRATEGIC_MERGE_PATCH } from '../../sandbox/kube/kube-client.ts';
import { collectionPath } from '../../sandbox/kube/resource-path.ts';

const APP = 'hooked';
const REPLICAS = 2;
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
const HOSTS = { plain: 'plain.example.com', secure: 'secure.example.com' };
const REQUESTS_MIN = 300;
const LIMIT_MS = 120_000;
const STEP_LIMIT_MS = 60_000;

function ingress(name: keyof typeof HOSTS, tls: readonly object[]): object {
  const backend = { service: { name: APP, port: { number: 80 } } };
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec: { ingressClassName: 'clb-direct', tls, rules: [{ host: HOSTS[name], http }] },
  };
}

/** An application, and two Ingresses that lead to it: one over HTTP, one over HTTPS. */
async function apply({ client }: Sandbox, signal: AbortSignal): Promise<void> {
  await createAll(client, sideManifests(APP, REPLICAS), signal);
  const stringData = { qcloud_cert_id: 'cert-secure' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secure' }, stringData };
  await client.create(collectionPath('secrets', 'default'), secret, signal);
  await client.create(INGRESSES, ingress('plain', []), signal);
  await client.create(INGRESSES, ingress('secure', [{ secretName: 'secure', hosts: [HOSTS.secure] }]), signal);
}

async function addressOf({ client }: Sandbox, name: string, signal: AbortSignal): Promise<string | undefined> {
  const { status } = await client.get<Ingress>(`${INGRESSES}/${name}`, signal);
  return status?.loadBalancer?.ingress?.[0]?.ip;
}

test('a rolling update behind Ingresses loses no request of any host, over HTTP and HTTPS', {
  timeout: LIMIT_MS,
}, async ({ signal, skip }) => {
  if (!(await mayListenOnLowPorts())) skip(LOW_PORTS_ADVICE);
  const clock = systemClock();
  const settings = { createLoadBalancerMs: 500, healthCheckSeconds: 2, healthCheckThreshold: 2, keepFolder: false };
  await using sandbox = await startSandbox({ clock, random: systemRandom(), ...settings }, signal);
  const progress = new Progress(clock, () => undefined);
  await awaitProduct({ sandbox, clock, progress, replicas: REPLICAS }, signal);
  await apply(sandbox, signal);
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const missing = async () => {
    const plain = await addressOf(sandbox, 'plain', signal);
    const secure = await addressOf(sandbox, 'secure', signal);
    return plain && secure ? reader.missingReadyPods(`app=${APP}`, REPLICAS) : 'an Ingress has no address';
  };
  await progress.until('the Ingresses serve', { limitMs: STEP_LIMIT_MS, missing }, signal);

  await using loads = new AsyncDisposableStack();
  const load = async (name: keyof typeof HOSTS, scheme: string) => {
    const url = `${scheme}://${await addressOf(sandbox, name, signal)}/`;
    const clients = ['--clients=8', `--client-prefix=${sandbox.plan.clientPrefix}.`, `--host=${HOSTS[name]}`];
    const flags = [...clients, '--rate=20', '--keep-alive-clients=10'];
    return loads.use(new LoadProcess({ clock, folder: sandbox.folder, name, url, flags }));
  };
  const running = [await load('plain', 'http'), await load('secure', 'https')];
  const old = new Set((await reader.pods(`app=${APP}`)).map(({ metadata }) => metadata.name));
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clock.wallNow()).toISOString() };
  const restart = { spec: { template: { metadata: { annotations } } } };
  await sandbox.client.patch(
    `${collectionPath('deployments', 'default')}/${APP}`,
    STRATEGIC_MERGE_PATCH,
    restart,
    signal,
  );
  const unrolled = () => reader.missingRollout(APP, old);
  await progress.until('the rolling update is over', { limitMs: STEP_LIMIT_MS, missing: unrolled }, signal);
  for (const process of running) process.finish();
  for (const report of await Promise.all(running.map(process => process.report()))) {
    expect(report.losses).toEqual([]);
    expect(report.lostTotal + report.notSent).toBe(0);
    expect(report.ok).toBeGreaterThan(REQUESTS_MIN);
  }
});
