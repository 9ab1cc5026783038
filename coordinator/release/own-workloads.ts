import type { Pod } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { eventually, listIfKnown, type ReleaseContext, removeIfThere } from './release-context.ts';

/** One for each part of them. */
const COORDINATOR_DEPLOYMENTS = [
  'clb-direct-coordinator',
  'clb-direct-coordinator-second',
  'clb-direct-coordinator-third',
];
/** A leader that ends may have a write under way that takes CLB 10 s. */
const COORDINATORS_TIMEOUT_MS = 60_000;
/** Agents finish the calls that they hold, which without coordinators are answered within seconds. */
const AGENTS_TIMEOUT_MS = 60_000;

/** @throws Error when some are left: they would put back whatever is taken off */
export async function endCoordinators(context: ReleaseContext): Promise<void> {
  for (const name of COORDINATOR_DEPLOYMENTS) await removeIfThere(context, appPath(context, 'deployments', name));
  const left = await podsLeft(context, 'coordinator', COORDINATORS_TIMEOUT_MS);
  if (left.length > 0) throw new Error(`coordinators do not end: ${left.join(' ')}; delete their Pods and try again`);
  context.say('coordinators have ended');
}

/** @returns whether all are gone; those of a node that nobody reaches stay */
export async function endAgents(context: ReleaseContext): Promise<boolean> {
  await removeIfThere(context, appPath(context, 'daemonsets', 'clb-direct-agent'));
  const left = await podsLeft(context, 'agent', AGENTS_TIMEOUT_MS);
  context.say(left.length === 0 ? 'agents have ended' : `agents that have not ended: ${left.join(' ')}`);
  return left.length === 0;
}

/** Names of the Pods that are still there after so long. */
async function podsLeft(context: ReleaseContext, component: string, timeoutMs: number): Promise<readonly string[]> {
  const labelSelector = `app.kubernetes.io/name=clb-direct,app.kubernetes.io/component=${component}`;
  const path = resourcePath({ version: 'v1', resource: 'pods', namespace: context.namespace });
  const pods = () => listIfKnown<Pod>(context, path, { labelSelector });
  await eventually(context, timeoutMs, async () => (await pods()).length === 0);
  return (await pods()).map(({ metadata }) => metadata.name);
}

function appPath({ namespace }: ReleaseContext, resource: string, name: string): string {
  return resourcePath({ group: 'apps', version: 'v1', resource, namespace, name });
}
