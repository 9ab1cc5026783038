import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import type { Random } from '../../common/random.ts';
import { type KubeClient, kubeClient } from '../../sandbox/kube/kube-client.ts';
import { type Cluster, openCluster } from '../../test/cluster/harness.ts';
import { accountKubeconfig } from '../../test/cluster/product/account-kubeconfig.ts';
import { coordinatorAddress, names, ports, productFolder } from '../../test/cluster/product/names.ts';
import { lease, webhookEndpoints, webhookService } from '../../test/cluster/product/objects.ts';
import { chartRights, isWebhookCalled } from '../../test/cluster/product/product.ts';
import { bundleProduct } from '../../tools/bundle-product.ts';
import { type Cloud, evenLatency, startCloud } from './cloud.ts';
import { type CoordinatorPod, Coordinators, REPLICAS } from './coordinators.ts';
import { NodeHosts } from './node-hosts.ts';
import { ownPod } from './objects.ts';
import type { ScaleOptions } from './options.ts';
import { PodFollower } from './pod-follower.ts';
import { type SayingWait, sayingWait } from './saying-wait.ts';
import { nodeName } from './scale-node.ts';

/** Everything that stands while it is measured. */
export interface Stand {
  readonly clock: Clock;
  readonly options: ScaleOptions;
  readonly say: (text: string) => void;
  readonly wait: SayingWait;
  readonly cluster: Cluster;
  /** As the administrator. */
  readonly api: KubeClient;
  readonly cloud: Cloud;
  readonly hosts: NodeHosts;
  readonly coordinators: Coordinators;
  readonly pods: PodFollower;
}

export interface StandOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: ScaleOptions;
  readonly say: (text: string) => void;
}

export const never = new AbortController().signal;

/** Returns when every node is there, its agent is heard by both coordinators, and Pods get gate and hook. */
export async function openStand({ clock, random, options, say }: StandOptions): Promise<Stand> {
  const cluster = openCluster(clock, options.name);
  const folder = productFolder(cluster.settings);
  await mkdir(folder, { recursive: true });
  const kube = httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: cluster.paths.kubeconfig, environment: {} }));
  const api = kubeClient(kube, clock);
  const wait = sayingWait(clock, say);
  await prepare(cluster);
  const cloud = await startCloud(cluster);
  const agent = { namespace: names.namespace, serviceAccount: names.agent };
  const hosts = new NodeHosts({
    nodes: options.size.nodes,
    kubeletKubeconfig: cluster.paths.kubeconfig,
    agentKubeconfig: await accountKubeconfig(cluster, folder, agent),
    folder,
    logFile: join(cluster.paths.logs, 'hosts.log'),
  });
  const coordinators = new Coordinators({
    clock,
    cluster,
    api,
    wait,
    folder,
    program: await coordinatorProgram(folder),
  });
  const pods = new PodFollower(clock);
  void pods.run({ kube, random }, never);
  const stand = { clock, options, say, wait, cluster, api, cloud, hosts, coordinators, pods };
  await untilNodesAreReady(stand);
  await startCoordinators(stand);
  await startAgents(stand, folder);
  await cloud.setLatency(evenLatency(FAST_MS));
  return stand;
}

/** What calls take as long as nothing else is said. */
const FAST_MS = 5;

async function prepare(cluster: Cluster): Promise<void> {
  const apply = (text: string) => cluster.kubectl(['apply', '--filename=-'], text);
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: names.namespace } }));
  await apply(await chartRights(cluster));
  const items = [lease, webhookService, ...webhookEndpoints(REPLICAS)];
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

async function coordinatorProgram(folder: string): Promise<string> {
  await bundleProduct(folder);
  return join(folder, 'coordinator.mjs');
}

/** The list of all nodes is a load of its own. */
const NODE_LIST_PAUSE_MS = 1_000;

async function untilNodesAreReady({ api, clock, wait, options }: Stand): Promise<void> {
  const { nodes } = options.size;
  await wait(`nodes of ${nodes} Ready`, nodes, async () => {
    await sleep(clock, NODE_LIST_PAUSE_MS, never);
    const { items } = await api.get<{ items: { status: { conditions: { type: string; status: string }[] } }[] }>(
      '/api/v1/nodes',
      never,
    );
    return items.filter(each =>
      each.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    ).length;
  });
}

async function startCoordinators(stand: Stand): Promise<void> {
  const { wait, coordinators, cluster } = stand;
  for (const replica of REPLICAS) await coordinators.start(replica, await coordinatorPod(stand, replica));
  await coordinators.untilLed();
  await wait('webhooks of 1 called', 1, async () => ((await isWebhookCalled(cluster)) ? 1 : 0));
}

/** On a node of its own, with a container of which its kubelet and its agent know. */
async function coordinatorPod({ api, hosts, wait }: Stand, replica: number): Promise<CoordinatorPod> {
  const name = `${names.coordinator}-${replica}`;
  const node = nodeName(replica);
  const path = `/api/v1/namespaces/${names.namespace}/pods`;
  const made = await api.create<{ metadata: { uid: string } }>(path, ownPod(names.coordinator, name, node), never);
  const { uid } = made.metadata;
  await wait(`containers of ${name} of 1 started`, 1, () => (hosts.hasStarted(uid) ? 1 : 0));
  return { name, uid, node };
}

async function startAgents({ cluster, hosts, coordinators, options, wait }: Stand, folder: string): Promise<void> {
  const { data } = await cluster.get<{ data: Record<string, string> }>([
    ...['configmap', 'clb-direct-ca'],
    `--namespace=${names.namespace}`,
  ]);
  const certificateAuthorityFile = join(folder, 'ca.crt');
  await writeFile(certificateAuthorityFile, data['ca.crt'] ?? '');
  hosts.tell({
    type: 'report',
    certificateAuthorityFile,
    coordinators: REPLICAS.map(replica => `${coordinatorAddress(replica)}:${ports.grpc}`),
  });
  await wait('hosts with all agents', 1, () => (hosts.areReporting ? 1 : 0));
  await coordinators.untilHeard(options.size.nodes);
}
