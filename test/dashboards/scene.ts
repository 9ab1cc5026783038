import { join } from 'node:path';
import { type Clock, sleep } from '../../common/clock.ts';
import { systemRandom } from '../../common/random.ts';
import { PRODUCT_NAMESPACE, STATUS_PORT } from '../../sandbox/cluster/product-manifests.ts';
import { type Sandbox, startSandbox } from '../../sandbox/cluster/start-sandbox.ts';
import { ClusterReader } from '../../sandbox/demo/cluster-reader.ts';
import { applyExamples, awaitProduct } from '../../sandbox/demo/install.ts';
import { Progress } from '../../sandbox/demo/progress.ts';
import { STRATEGIC_MERGE_PATCH } from '../../sandbox/kube/kube-client.ts';
import { collectionPath } from '../../sandbox/kube/resource-path.ts';
import { Prometheus, type TimeRange } from './prometheus-process.ts';

const RULES_FILE = join(import.meta.dirname, '../../charts/clb-direct/files/rules.yaml');
const AGENT_METRICS_PORT = 19_441;
const PROMETHEUS_PORT = 19_090;
const DEPLOYMENT = 'nginx-deployment-eni';
const REPLICAS = { rolled: 4, left: 2 };
const SETTINGS = { createLoadBalancerMs: 500, healthCheckSeconds: 2, healthCheckThreshold: 2, keepFolder: false };
const STEP_LIMIT_MS = 90_000;
const QUIET_MS = 6_000;

/** What goes wrong with CLB meanwhile, so that what shows errors has some to show. */
const FAULTS: readonly object[] = [
  { action: 'DescribeTargetHealth', kind: 'error', code: 'RequestLimitExceeded', count: 2 },
  { action: 'BatchRegisterTargets', kind: 'error', code: 'FailedOperation.ResourceInOperating', count: 1 },
  { action: 'DescribeTargets', kind: 'error', code: 'AuthFailure.SignatureFailure', count: 1 },
];

/** A rollout that a Prometheus has looked on at. */
export interface Scene {
  readonly prometheus: Pick<Prometheus, 'range' | 'instant' | 'rules'>;
  readonly time: TimeRange;
}

/** Plays a rollout and a scale-in in a sandbox, calls `look` at its end, and ends everything. */
export async function playScene<T>(
  { clock, say }: { readonly clock: Clock; readonly say: (line: string) => void },
  look: (scene: Scene) => Promise<T>,
): Promise<T> {
  const { signal } = new AbortController();
  const progress = new Progress(clock, say);
  await using sandbox = await startSandbox({ ...SETTINGS, clock, random: systemRandom() }, signal);
  const demo = { sandbox, clock, progress, replicas: REPLICAS.rolled };
  await awaitProduct(demo, signal);
  await using prometheus = await startPrometheus(sandbox, clock);
  const startMs = clock.wallNow();
  progress.say('a Prometheus scrapes it once a second');
  await applyExamples(demo, signal);
  for (const fault of FAULTS) await post(`${sandbox.clb.control}/faults`, fault);
  await change(sandbox, { replicas: REPLICAS.rolled, template: { metadata: { annotations: { rolled: 'yes' } } } });
  await settled({ ...demo, wanted: REPLICAS.rolled, what: 'the rolling update is over' });
  await change(sandbox, { replicas: REPLICAS.left });
  await settled({ ...demo, wanted: REPLICAS.left, what: 'fewer Pods are left' });
  await sleep(clock, QUIET_MS, signal);
  return await look({ prometheus, time: { startMs, endMs: clock.wallNow() } });
}

async function startPrometheus(sandbox: Sandbox, clock: Clock): Promise<Prometheus> {
  const reader = new ClusterReader({ ...sandbox, clock }, new AbortController().signal);
  const coordinators = await reader.pods('app.kubernetes.io/component=coordinator', PRODUCT_NAMESPACE);
  const jobs = [
    { name: 'coordinators', targets: coordinators.map(({ status }) => `${status?.podIP}:${STATUS_PORT}`) },
    { name: 'agents', targets: sandbox.plan.nodes.map(({ address }) => `${address}:${AGENT_METRICS_PORT}`) },
  ];
  const address = `127.0.0.1:${PROMETHEUS_PORT}`;
  return Prometheus.start({ clock, jobs, namespace: PRODUCT_NAMESPACE, rulesFile: RULES_FILE, address });
}

async function change(sandbox: Sandbox, spec: object): Promise<void> {
  const path = `${collectionPath('deployments', 'default')}/${DEPLOYMENT}`;
  await sandbox.client.patch(path, STRATEGIC_MERGE_PATCH, { spec }, new AbortController().signal);
}

interface Settling {
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly wanted: number;
  readonly what: string;
}

/** As many Pods as wanted, all of them new and ready. */
async function settled({ sandbox, clock, progress, wanted, what }: Settling): Promise<void> {
  const { signal } = new AbortController();
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const missing = async () => {
    const pods = await reader.pods('app=nginx');
    const isNew = pods.every(({ metadata }) => metadata.annotations?.rolled === 'yes');
    if (pods.length === wanted && isNew) return reader.missingReadyPods('app=nginx', wanted);
    return `${pods.length} Pods, ${wanted} new ones wanted`;
  };
  await progress.until(what, { limitMs: STEP_LIMIT_MS, missing }, signal);
}

async function post(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${await response.text()}`);
}
