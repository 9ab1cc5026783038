import type { Lease, Pod } from '../../../common/kube/objects.ts';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import { PRODUCT_NAMESPACE } from '../../../sandbox/cluster/product-manifests.ts';
import { collectionPath } from '../../../sandbox/kube/resource-path.ts';
import { type CloudTarget, isOpen, replayCloud } from '../../simulation/evidence.ts';
import { type ClbCall, isWrite } from './clb-calls.ts';
import { APP, APP_REPLICAS, type Stage } from './stage.ts';

export function podUid({ metadata }: Pod): string {
  return metadata.uid ?? '';
}

export function coordinators({ reader }: Stage): Promise<Pod[]> {
  return reader.pods('app.kubernetes.io/component=coordinator', PRODUCT_NAMESPACE);
}

export function agents({ reader }: Stage): Promise<Pod[]> {
  return reader.pods('app.kubernetes.io/component=agent', PRODUCT_NAMESPACE);
}

/** Who holds the lease: a process of a Pod, or nobody. */
export async function leaseHolder({ sandbox }: Stage, signal: AbortSignal): Promise<string> {
  const lease = await sandbox.client.get<Lease>(`${collectionPath('leases', PRODUCT_NAMESPACE)}/clb-direct`, signal);
  return lease.spec?.holderIdentity ?? '';
}

/** @throws Error when nobody leads. */
export async function leadingPod(stage: Stage, signal: AbortSignal): Promise<Pod> {
  const holder = await leaseHolder(stage, signal);
  const leader = (await coordinators(stage)).find(pod => holder.startsWith(podUid(pod)));
  if (!leader) throw new Error(`no coordinator holds the lease: ${holder || 'nobody'} does`);
  return leader;
}

export async function appPods({ reader }: Stage): Promise<Pod[]> {
  const pods = await reader.pods(`app=${APP}`);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export async function journalOf({ sandbox }: Stage, signal: AbortSignal): Promise<readonly NumberedRecord[]> {
  return sandbox.clb.journal(signal);
}

/** All targets with a mark of ours, as CLB would tell now. */
export async function cloudTargets(stage: Stage, signal: AbortSignal): Promise<CloudTarget[]> {
  let targets: CloudTarget[] = [];
  replayCloud(await journalOf(stage, signal), ({ after }) => {
    targets = [...after.values()];
  });
  return targets;
}

/** Undefined when CLB holds the application's living Pods and nothing else, all of them open, and every Pod is ready. */
export async function missingInCloud(stage: Stage, signal: AbortSignal): Promise<string | undefined> {
  const pods = await stage.reader.pods(`app=${APP}`);
  const wanted = new Set(pods.map(podUid));
  const targets = (await cloudTargets(stage, signal)).filter(({ podName }) => podName.startsWith(`${APP}-`));
  const missing = [...wanted].filter(uid => !targets.some(target => target.podUid === uid && isOpen(target)));
  const foreign = targets.filter(target => !wanted.has(target.podUid));
  if (missing.length > 0) return `${missing.length} of ${wanted.size} Pods are not open in CLB`;
  if (foreign.length > 0) return `CLB still holds ${foreign.map(({ podName }) => podName).join(', ')}`;
  return stage.reader.missingReadyPods(`app=${APP}`, APP_REPLICAS);
}

/** Undefined when somebody has sent CLB a write after that moment (wall milliseconds), other than that Pod. */
export function missingWrite(stage: Stage, afterMs: number, except?: Pod): string | undefined {
  const isNews = (call: ClbCall) => call.at > afterMs && call.podIp !== except?.status?.podIP && isWrite(call);
  return stage.clbCalls.some(isNews) ? undefined : 'nobody writes';
}
