import { resourcePath } from '../../common/kube/paths.ts';
import { openGates, tellStaticGates } from './gates.ts';
import { markLoadBalancers, type ReleasedAccount } from './load-balancers.ts';
import { cleanNodes, type NodeCleanup } from './node-cleanup.ts';
import { endAgents, endCoordinators } from './own-workloads.ts';
import { awaitDeletions, releaseOwners } from './owners.ts';
import { type ReleaseContext, removeIfThere } from './release-context.ts';

export interface ReleaseMeans {
  /** Undefined: redirect rules stay on the nodes. */
  readonly nodeCleanup: NodeCleanup | undefined;
  /** Undefined: load balancers are not marked. */
  readonly account: ReleasedAccount | undefined;
}

/**
 * Hands the cluster back, so that nothing of it hangs when clb-direct is gone: Services and Ingresses can be deleted, Pods get
 * Ready. May be repeated, and goes on where it stopped. Load balancers serve on as they are.
 * @returns what could not be done, each with its cause; empty when all is done
 */
export async function release(
  context: ReleaseContext,
  { nodeCleanup, account }: ReleaseMeans,
): Promise<readonly string[]> {
  const failures: string[] = [];
  const step = async (what: string, perform: () => Promise<unknown>): Promise<boolean> => {
    try {
      await perform();
      return true;
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : error}`);
      return false;
    }
  };
  await step('waiting for what is being deleted', () => awaitDeletions(context));
  // While one lives it puts back what is taken off.
  if (!(await step('ending the coordinators', () => endCoordinators(context)))) return failures;
  await step('removing the webhook', () => removeWebhook(context));
  await step('opening gates', () => openGates(context));
  await step('taking finalizers off', () => releaseOwners(context));
  await step('ending the agents', () => endAgents(context));
  // An agent that lives puts its rule back.
  if (nodeCleanup) await step('cleaning the nodes', () => cleanNodes(context, nodeCleanup));
  await step('removing certificates', () => removeCertificates(context));
  await step('looking for gates in templates', () => tellStaticGates(context));
  await markLoadBalancers(context, account);
  return failures;
}

/** Before gates are opened: afterwards no new Pod gets one. */
async function removeWebhook(context: ReleaseContext): Promise<void> {
  const kind = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations' };
  await removeIfThere(context, resourcePath({ ...kind, name: context.names.webhookConfiguration }));
  context.say('the webhook is gone: new Pods get no gate and no hook');
}

/** Made by the coordinators, so nobody else knows of them. */
async function removeCertificates(context: ReleaseContext): Promise<void> {
  const { namespace } = context;
  await removeIfThere(context, resourcePath({ version: 'v1', resource: 'secrets', namespace, name: 'clb-direct-tls' }));
  await removeIfThere(
    context,
    resourcePath({ version: 'v1', resource: 'configmaps', namespace, name: 'clb-direct-ca' }),
  );
}
