import { create, get } from '../../common/kube/client.ts';
import type { KubeObject, Pod } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { eventually, listIfKnown, type ReleaseContext, removeIfThere } from './release-context.ts';

/** A DaemonSet whose Pods are ready when they have taken the rule off their node. */
export interface NodeCleanup extends KubeObject {
  readonly spec: { readonly selector: { readonly matchLabels: Readonly<Record<string, string>> } };
  readonly status?: {
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
    readonly observedGeneration?: number;
  };
}

const TIMEOUT_MS = 60_000;
/** Of its Pods, once they are not needed any more. */
const END_TIMEOUT_MS = 10_000;

/** Takes the redirect rule off every node that can be reached, and names the others. */
export async function cleanNodes(context: ReleaseContext, cleanup: NodeCleanup): Promise<void> {
  const { transport, namespace, signal, say } = context;
  const collection = resourcePath({ group: 'apps', version: 'v1', resource: 'daemonsets', namespace });
  const path = `${collection}/${cleanup.metadata.name}`;
  await removeIfThere(context, path);
  await create<NodeCleanup>(transport, collection, cleanup, signal);
  const isClean = await eventually(context, TIMEOUT_MS, async () =>
    isDone(await get<NodeCleanup>(transport, path, signal)),
  );
  if (isClean) say('redirect rules are taken off all nodes');
  else await tellNodesLeft(context, cleanup);
  await removeIfThere(context, path);
  await eventually(context, END_TIMEOUT_MS, async () => (await podsOf(context, cleanup)).length === 0);
}

function podsOf(context: ReleaseContext, { spec }: NodeCleanup): Promise<readonly Pod[]> {
  const selector = Object.entries(spec.selector.matchLabels).map(([key, value]) => `${key}=${value}`);
  const path = resourcePath({ version: 'v1', resource: 'pods', namespace: context.namespace });
  return listIfKnown<Pod>(context, path, { labelSelector: selector.join() });
}

function isDone({ status }: NodeCleanup): boolean {
  const { observedGeneration = 0, desiredNumberScheduled, numberReady = 0 } = status ?? {};
  return observedGeneration > 0 && numberReady === desiredNumberScheduled;
}

async function tellNodesLeft(context: ReleaseContext, cleanup: NodeCleanup): Promise<void> {
  const pods = await podsOf(context, cleanup);
  const left = pods.filter(
    ({ status }) => !status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );
  context.say(
    `redirect rules may be left on: ${left.map(({ spec }) => spec.nodeName ?? '?').join(' ') || 'some nodes'}`,
  );
  context.say(
    `  they do no harm; a restart of the node removes them, or: nft delete table ip ${context.names.redirectTable}`,
  );
}
