import type { PodRecord } from '../../common/pod-record.ts';
import { isLivingPod } from './missing-port.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** Some Pods of the Service have addresses that CLB cannot reach: those are not bound. */
export function unreachablePods(service: ServiceIntent['service'], pods: readonly PodRecord[]): Problem | undefined {
  const unreachable = pods.filter(pod => isLivingPod(pod) && pod.addresses.length > 0 && isOffEni(pod));
  // By name, so that the same Pods give the same text.
  const [first] = unreachable.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (!first) return undefined;
  const more = unreachable.length > 1 ? ` (and ${unreachable.length - 1} more)` : '';
  return problem(
    'CD1012',
    `${ownerName(service)}: Pod ${first.name}${more} is not on an elastic network interface ` +
      `(${first.eni?.reason ?? 'unknown'}), so that CLB cannot reach it, and is not bound. Give the Pod template the ` +
      'annotation tke.cloud.tencent.com/networks: tke-route-eni and the resource tke.cloud.tencent.com/eni-ip, or start ' +
      'the agent with --pure-vpc-cni=true if every Pod of the node has one.',
  );
}

function isOffEni(pod: PodRecord): boolean {
  return !pod.hostNetwork && !pod.eni?.attached;
}
