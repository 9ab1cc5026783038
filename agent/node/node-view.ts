import type { Node } from '../../common/kube/objects.ts';
import { type NodeNetwork, networkOf } from '../../common/pods/node-network.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Sign } from './sign-source.ts';

/** What is kept of the agent's own Node object. */
export interface NodeView {
  readonly signs: readonly Sign[];
  readonly network: NodeNetwork;
}

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

/** Taint keys of the cluster autoscaler and of Kubernetes; the autoscaler's may carry a suffix. */
const TAINT_SIGNS: readonly (readonly [prefix: string, kind: NodeSignKind])[] = [
  ['ToBeDeletedByClusterAutoscaler', NodeSignKind.TO_BE_DELETED],
  ['DeletionCandidateOfClusterAutoscaler', NodeSignKind.DELETION_CANDIDATE],
  ['node.kubernetes.io/out-of-service', NodeSignKind.OUT_OF_SERVICE],
];

/** The slim view of a Node. Accepts whatever the API server stores. */
export function projectNode(node: Node): NodeView {
  const signs = [...cordon(node), ...(node.spec?.taints ?? []).flatMap(taintSign), ...notReady(node)];
  return { signs, network: networkOf(node) };
}

function cordon(node: Node): Sign[] {
  return node.spec?.unschedulable ? [{ kind: NodeSignKind.CORDONED, detail: 'spec.unschedulable' }] : [];
}

function taintSign({ key, value, effect }: Taint): Sign[] {
  const known = TAINT_SIGNS.find(([prefix]) => key.startsWith(prefix));
  return known ? [{ kind: known[1], detail: `taint ${key}${value ? `=${value}` : ''}:${effect}` }] : [];
}

/** A node that never said anything about itself has just been made, and nothing has ended. */
function notReady(node: Node): Sign[] {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready || ready.status === 'True') return [];
  const detail = ['condition Ready is', ready.status, ready.reason ?? ''].join(' ').trimEnd();
  return [{ kind: NodeSignKind.NOT_READY, detail }];
}
