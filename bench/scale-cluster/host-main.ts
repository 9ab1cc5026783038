/** A host of many nodes: kubelets at once, agents when there are coordinators. Its task stands in the environment. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { grpcReportConnector } from '../../agent/report/grpc-connector.ts';
import { sleep, systemClock } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import { TOKEN_AUDIENCE } from '../../common/names.ts';
import { systemRandom } from '../../common/random.ts';
import type { ReportConnector } from '../../common/report-transport.ts';
import { type KubeClient, kubeClient } from '../../sandbox/kube/kube-client.ts';
import { names, ports } from '../../test/cluster/product/names.ts';
import type { FromHost, HostTask, ToHost } from './host-messages.ts';
import { inParallel } from './in-parallel.ts';
import { ownPod } from './objects.ts';
import { nodeName, ScaleNode } from './scale-node.ts';

const AT_ONCE = 8;
/** So that not all of them renew their leases in the same moment. */
const KUBELET_PAUSE_MS = 50;

const task = JSON.parse(process.env.HOST_TASK ?? '') as HostTask;
const clock = systemClock();
const random = systemRandom();
const stop = new AbortController();
const transportOf = async (file: string) =>
  httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: file, environment: {} }));
const kube = await transportOf(task.kubeletKubeconfig);
const client = kubeClient(kube, clock);
const onStarted = (podUid: string) => tell({ type: 'started', podUid });
const nodes = new Map(
  task.nodes.map(number => [nodeName(number), new ScaleNode({ number, clock, random, kube, onStarted })]),
);

process.on('message', (message: ToHost) => {
  if (message.type === 'report') void report(message);
  else if (message.type === 'crash') nodes.get(message.node)?.crash(message.podUid);
  else if (message.type === 'freeze') nodes.get(message.node)?.freeze();
  else nodes.get(message.node)?.wake();
});
process.on('disconnect', () => process.exit(0));
for (const node of nodes.values()) {
  void node.runKubelet(stop.signal);
  await sleep(clock, KUBELET_PAUSE_MS, stop.signal);
}

async function report({ certificateAuthorityFile, coordinators }: ToHost & { type: 'report' }): Promise<void> {
  const agentKube = await transportOf(task.agentKubeconfig);
  await inParallel(AT_ONCE, [...nodes.values()], async node => {
    const tokenFile = join(task.folder, `${node.name}.token`);
    await writeFile(tokenFile, await agentToken(client, node.name), { mode: 0o600 });
    const connector = connectorTo(coordinators, { certificateAuthorityFile, tokenFile });
    void node.runAgent(agentKube, connector, stop.signal);
  });
  tell({ type: 'reporting' });
}

/** As the product's own, but that the coordinators' name is not looked up. */
function connectorTo(
  coordinators: readonly string[],
  files: { readonly certificateAuthorityFile: string; readonly tokenFile: string },
): ReportConnector {
  const { connect } = grpcReportConnector({ host: names.coordinator, port: ports.grpc, ...files });
  return { connect, resolve: async () => [...coordinators] };
}

/** A token that is bound to a Pod of the node, as an agent's is to its own. */
async function agentToken(api: KubeClient, node: string): Promise<string> {
  const name = `agent-${node}`;
  const base = `/api/v1/namespaces/${names.namespace}`;
  const { metadata } = await api.create<{ metadata: { uid: string } }>(
    `${base}/pods`,
    ownPod(names.agent, name, node),
    stop.signal,
  );
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: [TOKEN_AUDIENCE],
      expirationSeconds: 14_400,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: metadata.uid },
    },
  };
  const path = `${base}/serviceaccounts/${names.agent}/token`;
  const { status } = await api.create<{ status: { token: string } }>(path, request, stop.signal);
  return status.token;
}

function tell(message: FromHost): void {
  process.send?.(message);
}
