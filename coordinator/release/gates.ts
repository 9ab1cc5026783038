import { patch } from '../../common/kube/client.ts';
import type { KubeObject, Pod, PodSpec } from '../../common/kube/objects.ts';
import { podPath } from '../../common/kube/paths.ts';
import { ignoreMissing, listIfKnown, type ReleaseContext } from './release-context.ts';

const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'] as const;

interface Workload extends KubeObject {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

/** Opens every gate that is shut: nobody else ever would, and its Pod would never be Ready. */
export async function openGates(context: ReleaseContext): Promise<void> {
  const { transport, clock, names, signal, say } = context;
  const { readinessGate: type } = names;
  const shut = (await listIfKnown<Pod>(context, '/api/v1/pods')).filter(pod => isShut(pod, type));
  for (const { metadata } of shut) {
    const condition = {
      type,
      status: 'True',
      reason: 'Released',
      message: 'clb-direct was removed while this gate was shut: nobody has looked at the load balancer',
      lastTransitionTime: new Date(clock.wallNow()).toISOString(),
    };
    const body = { metadata: { uid: metadata.uid }, status: { conditions: [condition] } };
    const path = podPath(metadata.namespace ?? '', metadata.name, 'status');
    await patch(transport, path, { type: 'strategic', body }, signal).catch(ignoreMissing);
  }
  if (shut.length > 0) say(`opened the shut gates of ${shut.length} Pod(s), unseen by the load balancer`);
}

function isShut({ metadata, spec, status }: Pod, readinessGate: string): boolean {
  if (!hasGate(spec, readinessGate) || metadata.deletionTimestamp !== undefined) return false;
  return !status?.conditions?.some(({ type, status: is }) => type === readinessGate && is === 'True');
}

function hasGate({ readinessGates = [] }: PodSpec, readinessGate: string): boolean {
  return readinessGates.some(({ conditionType }) => conditionType === readinessGate);
}

/** Names the workloads whose own template has our gate: their new Pods would never be Ready. */
export async function tellStaticGates(context: ReleaseContext): Promise<void> {
  const { readinessGate } = context.names;
  for (const resource of WORKLOADS) {
    const workloads = await listIfKnown<Workload>(context, `/apis/apps/v1/${resource}`);
    for (const { metadata } of workloads.filter(({ spec }) => hasGate(spec.template.spec, readinessGate))) {
      context.say(`take the readiness gate ${readinessGate} out of the template of ${resource}`);
      context.say(`  ${metadata.namespace}/${metadata.name}: its new Pods will never be Ready with it`);
    }
  }
}
