import type { Pod } from '../common/kube/objects.ts';
import type { PodView } from './core/cluster-view.ts';

/** Law L12: whether the API server's Pod is the one that the agent reports: node, addresses and labels. */
export function agreesWithReport(object: Pod, pod: PodView): boolean {
  const { record, node } = pod;
  const addresses = new Set(object.status?.podIPs?.map(({ ip }) => ip) ?? []);
  const labels = object.metadata.labels ?? {};
  return (
    object.metadata.uid === record.uid &&
    object.spec.nodeName === node &&
    record.addresses.every(address => addresses.has(address)) &&
    Object.keys(labels).length === Object.keys(record.labels).length &&
    Object.entries(record.labels).every(([key, value]) => labels[key] === value)
  );
}
