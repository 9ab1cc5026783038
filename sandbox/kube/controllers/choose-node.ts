import type { Container, Node, Pod } from '../../../common/kube/objects.ts';
import { isActive } from './pod-availability.ts';
import { parseQuantity } from './quantity.ts';
import { controllerOf } from './workloads.ts';

const UNSCHEDULABLE_TAINT = 'node.kubernetes.io/unschedulable';

export type NodeChoice =
  | { readonly type: 'node'; readonly nodeName: string }
  | { readonly type: 'none'; readonly message: string };

/**
 * Where a Pod goes: the node that fits and holds the fewest Pods of the same owner, then the fewest Pods, then the
 * first by name. Pods that have ended take no room; Pods that are being deleted still do.
 */
export function chooseNode(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): NodeChoice {
  const podsByNode = Map.groupBy(pods.filter(holdsRoom), ({ spec }) => spec.nodeName ?? '');
  const reasons = nodes.map(node => unfitReasons(pod, node, podsByNode.get(node.metadata.name) ?? []));
  const fitting = nodes.filter((_node, index) => reasons[index]?.length === 0);
  const ranked = fitting
    .map(({ metadata }) => ({ nodeName: metadata.name, load: loadOf(pod, podsByNode.get(metadata.name) ?? []) }))
    .sort((first, second) => compareLoads(first.load, second.load) || (first.nodeName < second.nodeName ? -1 : 1));
  const best = ranked[0];
  return best ? { type: 'node', nodeName: best.nodeName } : { type: 'none', message: explain(reasons) };
}

/** `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.` as the real scheduler words it. */
function explain(reasons: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${reasons.length} nodes are available: ${parts.join(', ') || 'no nodes'}.`;
}

function unfitReasons(pod: Pod, node: Node, pods: readonly Pod[]): string[] {
  const reasons: string[] = [];
  const taint = untoleratedTaint(pod, node);
  if (node.spec?.unschedulable && !tolerates(pod, { key: UNSCHEDULABLE_TAINT, effect: 'NoSchedule' })) {
    reasons.push('node(s) were unschedulable');
  } else if (taint) {
    reasons.push(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
  }
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  if (wanted.some(([key, value]) => node.metadata.labels?.[key] !== value)) {
    reasons.push("node(s) didn't match Pod's node affinity/selector");
  }
  return reasons.length > 0 ? reasons : missingResources(pod, node, pods);
}

function missingResources(pod: Pod, node: Node, pods: readonly Pod[]): string[] {
  const allocatable = node.status?.allocatable ?? node.status?.capacity ?? {};
  const used = new Map<string, number>();
  for (const [name, amount] of pods.flatMap(other => [...requests(other)]))
    used.set(name, (used.get(name) ?? 0) + amount);
  const missing = [...requests(pod)].filter(
    ([name, amount]) => amount > 0 && (used.get(name) ?? 0) + amount > parseQuantity(allocatable[name]),
  );
  return missing.map(([name]) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`));
}

/** What a Pod takes of a node: the sum over its containers, limits standing in for requests, and one of `pods`. */
function requests(pod: Pod): Map<string, number> {
  const total = new Map([['pods', 1]]);
  for (const container of pod.spec.containers) {
    for (const [name, amount] of containerRequests(container)) total.set(name, (total.get(name) ?? 0) + amount);
  }
  return total;
}

function containerRequests({ resources }: Container): [string, number][] {
  const merged = { ...resources?.limits, ...resources?.requests };
  return Object.entries(merged).map(([name, amount]) => [name, parseQuantity(amount)]);
}

function untoleratedTaint(pod: Pod, node: Node) {
  return node.spec?.taints?.find(
    taint => taint.effect !== 'PreferNoSchedule' && taint.key !== UNSCHEDULABLE_TAINT && !tolerates(pod, taint),
  );
}

function tolerates(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  return (pod.spec.tolerations ?? []).some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (!key || key === taint.key) &&
      (!effect || effect === taint.effect) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}

function holdsRoom({ spec, status }: Pod): boolean {
  return spec.nodeName !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

interface NodeLoad {
  readonly siblings: number;
  readonly pods: number;
}

function loadOf(pod: Pod, pods: readonly Pod[]): NodeLoad {
  const owner = controllerOf(pod)?.uid;
  const siblings =
    owner === undefined ? 0 : pods.filter(other => isActive(other) && controllerOf(other)?.uid === owner).length;
  return { siblings, pods: pods.length };
}

function compareLoads(first: NodeLoad, second: NodeLoad): number {
  return first.siblings - second.siblings || first.pods - second.pods;
}
