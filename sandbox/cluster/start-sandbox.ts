import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Clock } from '../../common/clock.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import { builtInImages } from '../images/built-in-images.ts';
import { httpsAdmissionCaller } from '../kube/api/https-admission.ts';
import { type ServeOptions, serveKubeApi } from '../kube/api/https-carrier.ts';
import { inProcessKubeTransport } from '../kube/api/in-process.ts';
import { KubeApiServer } from '../kube/api/kube-api-server.ts';
import { kubeconfigYaml } from '../kube/api/kubeconfig.ts';
import { runControllers } from '../kube/controllers/run-controllers.ts';
import { type KubeClient, kubeClient } from '../kube/kube-client.ts';
import { ChildProcessRuntime } from '../kube/kubelet/child-process-runtime.ts';
import { diskVolumes } from '../kube/kubelet/disk-volumes.ts';
import { SocketPathTooLongError, serveRuntime } from '../kube/kubelet/grpc-runtime-server.ts';
import type { KubeletNode } from '../kube/kubelet/kubelet-context.ts';
import type { KubeletRecord } from '../kube/kubelet/kubelet-record.ts';
import { NodeDirectory } from '../kube/kubelet/node-directory.ts';
import { redirectingNetwork } from '../kube/kubelet/redirecting-network.ts';
import { runKubelet } from '../kube/kubelet/run-kubelet.ts';
import { RuntimeService } from '../kube/kubelet/runtime-service.ts';
import { type AddressPlan, addressPlan } from './address-plan.ts';
import { type ClbProcess, startClbProcess } from './clb-process.ts';
import { keepClusterNames } from './cluster-names.ts';
import { JsonLog } from './json-log.ts';
import { createAll } from './manifest.ts';
import { type ProductRoutes, productManifests } from './product-manifests.ts';

const CLB_DIRECT = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const CLUSTER_NAMES = pathToFileURL(fileURLToPath(new URL('../images/cluster-names.ts', import.meta.url))).href;
/** Second numbers of the addresses that sandboxes take, the first free one. */
const NETWORKS = { first: 64, last: 89 };
const ADMINISTRATOR = { username: 'sandbox-admin', groups: ['system:masters', 'system:authenticated'] };

/** What everybody's calls of the API server go through. */
export type KubeApi = Pick<KubeApiServer, 'request' | 'openWatch'>;

export interface SandboxOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly createLoadBalancerMs: number;
  /** Of every listener that is made: seconds between checks, and how many in a row decide. */
  readonly healthCheckSeconds: number;
  readonly healthCheckThreshold: number;
  /** Leaves the folder with all logs behind. */
  readonly keepFolder: boolean;
  /** Where clb-direct's processes call, if not straight at the others. */
  readonly routes?: ProductRoutes;
  /** Puts something between the API server and all its callers: processes, kubelets and controllers. */
  readonly wrapApi?: (api: KubeApi) => KubeApi;
}

/** A running cluster of three nodes with clb-direct in it, and its cloud. Disposing of it ends every process. */
export interface Sandbox extends AsyncDisposable {
  /** Everything that is on disk: kubeconfig, logs, volumes. Gone after the end. */
  readonly folder: string;
  readonly kubeconfigFile: string;
  readonly apiServerUrl: string;
  readonly plan: AddressPlan;
  readonly transport: KubeTransport;
  readonly client: KubeClient;
  readonly clb: ClbProcess;
  /** The kubelets' own accounts, growing. */
  readonly records: readonly KubeletRecord[];
  /** Rejects when a part ends that should go on, and at the end; never resolves. */
  readonly failed: Promise<never>;
}

/**
 * Starts everything and creates clb-direct's own objects; does not wait for its Pods.
 * @throws Error when a part does not come up; what had been started is ended by then.
 */
export async function startSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  await using parts = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'clb-direct-sandbox-'));
  parts.defer(() => {
    if (!options.keepFolder) rmSync(folder, { recursive: true, force: true });
  });
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const cluster = await startCluster(options, { folder, parts, fail: failure.reject });
  const { plan, client } = cluster;
  const files = { logFile: join(folder, 'clb.log'), journalFile: join(folder, 'clb-journal.jsonl') };
  const clb = parts.use(await startClbProcess({ ...options, ...files, plan }));
  void clb.exited.then(code => failure.reject(new Error(`the CLB process ended by itself, exit code ${code}`)));
  const manifests = productManifests({ ...options, ...cluster, nodes: plan.nodes, clbEndpoint: clb.endpoint });
  await createAll(client, manifests, signal);
  const owned = parts.move();
  return { ...cluster, folder, clb, failed: failure.promise, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Surroundings {
  readonly folder: string;
  /** Takes what has to be ended. */
  readonly parts: AsyncDisposableStack;
  readonly fail: (error: unknown) => void;
}

/** API server, controllers, nodes and names. */
async function startCluster({ clock, random, wrapApi }: SandboxOptions, { folder, parts, fail }: Surroundings) {
  const server = new KubeApiServer({ clock, random, admissionCaller: httpsAdmissionCaller() });
  const api = wrapApi?.(server) ?? server;
  const { plan, listener } = await serveInFreeNetwork({
    server: authenticated(server, api),
    wallNowMs: clock.wallNow(),
  });
  parts.defer(() => listener.close());
  const apiServerAuthorityPem = listener.caCertificatePem;
  const kubeconfigFile = join(folder, 'kubeconfig');
  const token = server.issueUserToken(ADMINISTRATOR);
  const kubeconfig = kubeconfigYaml({ url: listener.url, caCertificatePem: apiServerAuthorityPem, token });
  writeFileSync(kubeconfigFile, kubeconfig, { mode: 0o600 });
  const transport = inProcessKubeTransport({ server: api, user: ADMINISTRATOR, clock });
  const client = kubeClient(transport, clock);
  const records: KubeletRecord[] = [];
  const log = new JsonLog(join(folder, 'cluster.log'), clock);
  const stop = new AbortController();
  const base = { transport, client, clock, random, log: log.write, records, folder };
  const namesFile = join(folder, 'cluster-names');
  const nodes = plan.nodes.map(node => nodeParts(base, node, namesFile));
  for (const { runtime } of nodes) parts.use(await openRuntimeSocket(runtime, log));
  const loops = [
    keepClusterNames({ ...base, file: namesFile, onError: error => log.write('names', { error }) }, stop.signal),
    runControllers(base, stop.signal),
    ...nodes.map(({ kubelet }) => runKubelet(kubelet, stop.signal)),
  ];
  for (const loop of loops) loop.catch(fail);
  parts.defer(async () => {
    stop.abort();
    await Promise.allSettled(loops);
    await Promise.all(nodes.map(({ containers }) => containers[Symbol.asyncDispose]()));
  });
  return { plan, kubeconfigFile, apiServerUrl: listener.url, apiServerAuthorityPem, transport, client, records };
}

function authenticated(server: KubeApiServer, api: KubeApi) {
  return {
    request: api.request.bind(api),
    openWatch: api.openWatch.bind(api),
    authenticate: (token: string) => server.authenticate(token),
  };
}

interface NodeSurroundings {
  readonly transport: KubeTransport;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: JsonLog['write'];
  readonly records: KubeletRecord[];
  readonly folder: string;
}

function nodeParts(base: NodeSurroundings, node: KubeletNode, namesFile: string) {
  const { clock, random, folder, records } = base;
  const directory = new NodeDirectory(join(folder, node.name));
  const containers = new ChildProcessRuntime({
    directory,
    random,
    programOf: builtInImages({ 'clb-direct': CLB_DIRECT }),
    environment: { NODE_OPTIONS: `--import=${CLUSTER_NAMES}`, CLUSTER_NAMES_FILE: namesFile },
  });
  const network = redirectingNetwork({ clock, directory, nodeAddress: node.address });
  const volumes = diskVolumes({ ...base, directory });
  const record = (moment: KubeletRecord) => {
    records.push(moment);
    appendFileSync(join(folder, 'kubelets.jsonl'), `${JSON.stringify(moment)}\n`);
  };
  const runtime = { service: new RuntimeService(containers.table), socketPath: directory.runtimeSocket };
  return { containers, runtime, kubelet: { ...base, node, containers, network, volumes, record } };
}

/** Without it the agents see exits on the Pod watch. */
async function openRuntimeSocket(
  { service, socketPath }: { readonly service: RuntimeService; readonly socketPath: string },
  log: JsonLog,
): Promise<AsyncDisposable | undefined> {
  try {
    return await serveRuntime(service, socketPath);
  } catch (error) {
    if (!(error instanceof SocketPathTooLongError)) throw error;
    log.write('a node has no runtime socket', { error });
    return undefined;
  }
}

/** Takes the first free network: who holds its API server's port has it. @throws Error when all are taken. */
async function serveInFreeNetwork(options: Omit<ServeOptions, 'host' | 'port'>) {
  for (let network = NETWORKS.first; network <= NETWORKS.last; network++) {
    const plan = addressPlan(network);
    try {
      return { plan, listener: await serveKubeApi({ ...options, ...plan.apiServer }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  const { first, last } = NETWORKS;
  throw new Error(`sandboxes run on all of 127.${first}.0.1:6443 to 127.${last}.0.1:6443: end one of them`);
}
