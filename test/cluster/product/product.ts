/** The product, run from source on a cluster: CLB stand-in, two coordinators, an agent on each node. */
import { writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../common/clock.ts';
import { nodeAddress } from '../addresses.ts';
import type { ClusterProcess } from '../cluster-process.ts';
import type { Cluster } from '../harness.ts';
import { bridge } from '../network.ts';
import { waitUntil } from '../wait.ts';
import { type Account, accountKubeconfig } from './account-kubeconfig.ts';
import { clbEndpoint, cloudKey, type LoadBalancers, startLoadBalancers } from './load-balancers.ts';
import { coordinatorAddress, names, ports, productFolder } from './names.ts';
import { agentDaemonSet, lease, webhookEndpoints, webhookService } from './objects.ts';
import { shareProcessor, unshareProcessor } from './processor-share.ts';

const repository = join(import.meta.dirname, '../../..');
const replicas = [1, 2];
const startTimeoutMs = 60_000;
const credentials = { TENCENTCLOUD_SECRET_ID: cloudKey.secretId, TENCENTCLOUD_SECRET_KEY: cloudKey.secretKey };
/** Short, so that a suite does not wait for health checks most of the time. */
const healthCheck = ['--health-check-interval-seconds=2', '--health-check-threshold=2'];

export interface Product extends Pick<LoadBalancers, 'journal' | 'control'> {
  /** Which replica holds the lease, 1 or 2. */
  leader(): Promise<number>;
  coordinator(replica: number): ClusterProcess;
  /** Starts a replica that has ended. */
  restartCoordinator(replica: number): Promise<void>;
  agent(node: string): ClusterProcess;
  /** Ends every process. Objects in the API server stay. */
  stop(): Promise<void>;
}

interface ProductContext {
  readonly clock: Clock;
  readonly cluster: Cluster;
  /** Kubeconfigs, tokens, journal. */
  readonly folder: string;
}

/** Returns when a Pod that is created now gets gate and hook, and every agent is heard by every coordinator. */
export async function startProduct(clock: Clock, cluster: Cluster): Promise<Product> {
  const folder = productFolder(cluster.settings);
  const context = { clock, cluster, folder };
  await mkdir(folder, { recursive: true });
  const processes = new Map<string, ClusterProcess>();
  await prepareCluster(context);
  const loadBalancers = await startLoadBalancers(cluster);
  const product = productOf(context, processes, loadBalancers);
  try {
    for (const replica of replicas) await product.restartCoordinator(replica);
    await waitForCoordinators(context);
    for (const node of cluster.nodes) processes.set(node, await startAgent(context, node));
    await waitForAgents(context);
  } catch (error) {
    await product.stop();
    throw error;
  }
  return product;
}

function productOf(
  context: ProductContext,
  processes: Map<string, ClusterProcess>,
  loadBalancers: LoadBalancers,
): Product {
  const { cluster } = context;
  const find = (name: string) => {
    const process = processes.get(name);
    if (process === undefined) throw new Error(`${name} was not started`);
    return process;
  };
  return {
    journal: loadBalancers.journal,
    control: loadBalancers.control,
    leader: () => leader(cluster),
    coordinator: replica => find(coordinatorName(replica)),
    restartCoordinator: async replica => {
      processes.set(coordinatorName(replica), await startCoordinator(context, replica));
    },
    agent: find,
    async stop() {
      await Promise.all([...processes.values()].map(process => process.stop()));
      await loadBalancers.stop();
      await unshareProcessor(cluster, 'default');
    },
  };
}

async function prepareCluster({ clock, cluster }: ProductContext): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: names.namespace } };
  const apply = (object: object) => cluster.kubectl(['apply', '--filename=-'], JSON.stringify(object));
  await apply(namespace);
  await shareProcessor(cluster, 'default');
  await cluster.kubectl(['apply', '--filename=-'], await chartRights(cluster));
  const items = [lease, agentDaemonSet, webhookService, ...webhookEndpoints(replicas)];
  await apply({ apiVersion: 'v1', kind: 'List', items });
  const status = ['rollout', 'status', `daemonset/${names.agent}`, `--namespace=${names.namespace}`];
  await waitUntil(clock, 'the Pods of the agents', startTimeoutMs, async () => {
    await cluster.kubectl([...status, '--timeout=30s']);
    return true;
  });
  for (const replica of replicas) {
    await cluster.run(['ip', 'address', 'replace', `${coordinatorAddress(replica)}/32`, 'dev', bridge]);
  }
}

/** The accounts and their rights as the chart has them. */
export async function chartRights(cluster: Cluster): Promise<string> {
  const files = ['coordinator', 'agent'].flatMap(part => ['serviceaccount', 'rbac'].map(file => `${part}/${file}`));
  const shown = files.map(file => `--show-only=templates/${file}.yaml`);
  const values = ['--set=cloud.region=ap-guangzhou', '--set=cloud.vpcId=vpc-cluster'];
  const chart = join(repository, 'charts/clb-direct');
  const command = ['helm', 'template', 'clb-direct', chart, `--namespace=${names.namespace}`, ...shown, ...values];
  return (await cluster.run(command)).stdout;
}

async function startCoordinator(context: ProductContext, replica: number): Promise<ClusterProcess> {
  const { cluster } = context;
  const kubeconfig = await accountKubeconfig(cluster, context.folder, account(names.coordinator));
  const address = coordinatorAddress(replica);
  const command = [
    ...[process.execPath, join(repository, 'coordinator/main.ts')],
    ...['--region=ap-guangzhou', '--vpc-id=vpc-cluster'],
    `--clb-endpoint=${clbEndpoint}`,
    `--kubeconfig=${kubeconfig}`,
    `--namespace=${names.namespace}`,
    `--pod-name=${coordinatorName(replica)}`,
    `--pod-uid=${podUid(replica)}`,
    `--grpc-listen=${address}:${ports.grpc}`,
    `--webhook-listen=${address}:${ports.webhook}`,
    `--http-listen=${address}:${ports.http}`,
    ...healthCheck,
    '--log-level=debug',
  ];
  return cluster.spawn(command, { name: coordinatorName(replica), environment: credentials });
}

/** The agent looks the coordinators' name up, as it does that of a headless Service; here /etc/hosts has it. */
async function startAgent(context: ProductContext, node: string): Promise<ClusterProcess> {
  const { cluster, folder } = context;
  const kubeconfig = await accountKubeconfig(cluster, folder, account(names.agent));
  const tokenFile = join(folder, `${node}.token`);
  await writeFile(tokenFile, await agentToken(cluster, node), { mode: 0o600 });
  const caFile = join(folder, `${node}.ca.crt`);
  await writeFile(caFile, await certificateAuthority(cluster));
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, replicas.map(replica => `${coordinatorAddress(replica)} ${names.coordinator}\n`).join(''));
  const command = [
    ...['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts],
    ...[process.execPath, join(repository, 'agent/main.ts')],
    `--node-name=${node}`,
    `--coordinator=${names.coordinator}:${ports.grpc}`,
    `--coordinator-ca-file=${caFile}`,
    `--token-file=${tokenFile}`,
    `--kubeconfig=${kubeconfig}`,
    `--http-listen=0.0.0.0:${ports.agentMetrics}`,
    '--metadata-address=none',
    '--dbus-socket=none',
    '--log-level=debug',
  ];
  return cluster.spawnOnNode(node, command, { name: `agent-${node}` });
}

async function agentToken(cluster: Cluster, node: string): Promise<string> {
  const selection = [`--namespace=${names.namespace}`, `--field-selector=spec.nodeName=${node}`];
  const pods = await cluster.get<{ items: { metadata: { name: string } }[] }>(['pods', ...selection]);
  const [pod] = pods.items;
  if (pod === undefined) throw new Error(`${node} has no Pod of DaemonSet ${names.agent}`);
  const boundTo = { kind: 'Pod', name: pod.metadata.name } as const;
  return cluster.createBoundToken({ ...account(names.agent), audience: 'clb-direct', boundTo });
}

async function certificateAuthority(cluster: Cluster): Promise<string> {
  const found = await cluster.get<{ data: Record<string, string> }>([
    'configmap',
    'clb-direct-ca',
    `--namespace=${names.namespace}`,
  ]);
  return found.data['ca.crt'] ?? '';
}

async function waitForCoordinators({ clock, cluster }: ProductContext): Promise<void> {
  await waitUntil(clock, 'a coordinator to lead', startTimeoutMs, () => leader(cluster));
  await waitUntil(clock, 'the webhook to change a Pod', startTimeoutMs, () => isWebhookCalled(cluster));
}

export async function isWebhookCalled(cluster: Cluster): Promise<boolean> {
  const metadata = { name: 'probe', namespace: 'default', annotations: { 'clb-direct.io/inject': 'true' } };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { containers: [{ name: 'probe', image: 'pause' }] },
  };
  const command = ['create', '--dry-run=server', '--output=json', '--filename=-'];
  const made = JSON.parse(await cluster.kubectl(command, JSON.stringify(pod))) as {
    spec: { readinessGates?: unknown };
  };
  return made.spec.readinessGates !== undefined;
}

async function waitForAgents({ clock, cluster }: ProductContext): Promise<void> {
  const connected = new RegExp(`^clb_direct_agent_report_streams\\{[^}]*\\} ${replicas.length}$`, 'm');
  for (const node of cluster.nodes) {
    await waitUntil(
      clock,
      `the agent of ${node} to be heard by ${replicas.length} coordinators`,
      startTimeoutMs,
      async () => connected.test(await fetchText(`http://${nodeAddress(node)}:${ports.agentMetrics}/metrics`)),
    );
  }
}

async function leader(cluster: Cluster): Promise<number> {
  const lease = await cluster.get<{ spec: { holderIdentity?: string } }>([
    'lease',
    names.lease,
    `--namespace=${names.namespace}`,
  ]);
  const found = replicas.find(replica => lease.spec.holderIdentity?.startsWith(podUid(replica)));
  if (found === undefined) throw new Error(`the lease is held by "${lease.spec.holderIdentity ?? ''}"`);
  return found;
}

async function fetchText(url: string): Promise<string> {
  return (await fetch(url)).text();
}

function account(name: string): Account {
  return { namespace: names.namespace, serviceAccount: name };
}

function coordinatorName(replica: number): string {
  return `${names.coordinator}-${replica}`;
}

function podUid(replica: number): string {
  return `00000000-0000-4000-8000-00000000000${replica}`;
}
