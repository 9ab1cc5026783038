import type { Pod } from '../../../common/kube/objects.ts';
import { STRATEGIC_MERGE_PATCH } from '../../../sandbox/kube/kube-client.ts';
import { collectionPath } from '../../../sandbox/kube/resource-path.ts';
import { signalPod } from './pod-processes.ts';
import { appPods, missingInCloud, podUid } from './questions.ts';
import { APP, type Stage } from './stage.ts';

/** kill -9 of all their processes. The result is the moment, by the stage's clock. */
export function killPods({ sandbox, clock, progress, deaths }: Stage, pods: readonly Pod[]): number {
  for (const pod of pods) {
    deaths.push({ podIp: pod.status?.podIP ?? '', at: clock.wallNow() });
    signalPod(sandbox, podUid(pod), 'SIGKILL');
  }
  progress.say(`$ kill -9 ${pods.map(({ metadata }) => metadata.name).join(' ')}`);
  return clock.now();
}

/** @throws Error when the Pod's hook is not being waited for: then a fault would prove nothing about drains. */
export function assertHookWaits({ sandbox }: Stage, podName: string): void {
  const hooks = sandbox.records.filter(
    record => record.podName === podName && (record.type === 'preStopBegan' || record.type === 'preStopEnded'),
  );
  if (hooks.at(-1)?.type !== 'preStopBegan') throw new Error(`the preStop hook of ${podName} was over too early`);
}

/** As kubectl does it. The result answers undefined when it is over, and everything as `missingInCloud` wants it. */
export async function rollOut(stage: Stage, signal: AbortSignal): Promise<() => Promise<string | undefined>> {
  const old = new Set((await appPods(stage)).map(({ metadata }) => metadata.name));
  await restart(stage, { name: APP, namespace: 'default' }, signal);
  return async () => (await stage.reader.missingRollout(APP, old)) ?? missingInCloud(stage, signal);
}

/** `kubectl rollout restart deployment`. */
export async function restart(
  { sandbox, clock, progress }: Stage,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<void> {
  progress.say(`$ kubectl -n ${namespace} rollout restart deployment ${name}`);
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clock.wallNow()).toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  const path = `${collectionPath('deployments', namespace)}/${name}`;
  await sandbox.client.patch(path, STRATEGIC_MERGE_PATCH, body, signal);
}

export async function deletePod({ sandbox, progress }: Stage, pod: Pod, signal: AbortSignal): Promise<void> {
  const { name } = pod.metadata;
  progress.say(`$ kubectl delete pod ${name}`);
  await sandbox.client.delete(`${collectionPath('pods', 'default')}/${name}`, {}, signal);
}

export async function refuseEverything({ sandbox, progress }: Stage, signal: AbortSignal): Promise<void> {
  const fault = { action: '*', kind: 'error', code: 'InternalError', message: 'refused by the test' };
  const url = `${sandbox.clb.control}/faults`;
  const { status } = await fetch(url, { method: 'POST', body: JSON.stringify(fault), signal });
  if (status !== 200) throw new Error(`${url} answered ${status}`);
  progress.say('CLB refuses every call');
}

export async function takeCallsAgain({ sandbox, progress }: Stage, signal: AbortSignal): Promise<void> {
  await fetch(`${sandbox.clb.control}/faults`, { method: 'DELETE', signal });
  progress.say('CLB takes calls again');
}
