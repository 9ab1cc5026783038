import { get, listPage } from '../../common/kube/client.ts';
import type { KubeList, Node, Pod } from '../../common/kube/objects.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import { type Check, CheckError } from './check.ts';

const REACH =
  'check the address of the API server (--kubeconfig, or KUBERNETES_SERVICE_HOST) and what filters packets to it';
/** The whole seconds a watch is kept open to see that it is allowed. */
const WATCH_SECONDS = 1;

export interface KubeChecksOptions {
  /** Made when first used, so that a configuration that is missing is a miss like any other. */
  readonly kube: () => Promise<KubeTransport>;
  readonly nodeName: string;
}

export function kubeChecks({ kube, nodeName }: KubeChecksOptions): Check[] {
  return [
    { name: 'API server', remedy: REACH, look: async signal => readVersion(await kube(), signal) },
    {
      name: 'Pods of this node',
      remedy: REACH,
      look: async signal => listAndWatch(await kube(), '/api/v1/pods', `spec.nodeName=${nodeName}`, signal),
    },
    {
      name: 'Node object',
      remedy: REACH,
      look: async signal => {
        const transport = await kube();
        await readNode(transport, nodeName, signal);
        return await listAndWatch(transport, '/api/v1/nodes', `metadata.name=${nodeName}`, signal);
      },
    },
  ];
}

async function readVersion(kube: KubeTransport, signal: AbortSignal): Promise<string> {
  const request = { method: 'GET', path: '/version' } as const;
  const response = await kube.request(request, signal);
  if (response.status !== 200) throw new KubeResponseError(request, response);
  return `Kubernetes ${(response.body as { gitVersion?: string } | undefined)?.gitVersion ?? 'of an unknown version'}`;
}

async function readNode(kube: KubeTransport, nodeName: string, signal: AbortSignal): Promise<void> {
  try {
    await get<Node>(kube, `/api/v1/nodes/${nodeName}`, signal);
  } catch (error) {
    if (!(error instanceof KubeResponseError) || error.status !== 404) throw withRights(error, '/api/v1/nodes', 'get');
    throw new CheckError(`there is no node ${nodeName}`, 'take --node-name from spec.nodeName of the Pod');
  }
}

async function listAndWatch(kube: KubeTransport, path: string, fieldSelector: string, signal: AbortSignal) {
  const query = { fieldSelector };
  const page: KubeList<Pod | Node> = await listPage<Pod | Node>(kube, { path, query }, signal).catch(error => {
    throw withRights(error, path, 'list');
  });
  const { resourceVersion } = page.metadata;
  const watch = {
    method: 'GET',
    path,
    query: { ...query, resourceVersion, timeoutSeconds: `${WATCH_SECONDS}` },
  } as const;
  try {
    for await (const _ of kube.watch(watch, signal)) break;
  } catch (error) {
    throw withRights(error, path, 'watch');
  }
  return `${page.items.length} listed and watched`;
}

function withRights(error: unknown, path: string, verb: string): unknown {
  const isRefused = error instanceof KubeResponseError && (error.status === 401 || error.status === 403);
  if (!isRefused) return error;
  const resource = path.slice(path.lastIndexOf('/') + 1);
  return new CheckError(
    error.message,
    `let the ServiceAccount ${verb} ${resource}: the agent's ClusterRole allows get, list and watch of pods and nodes`,
  );
}
