import type { Node } from '../../../common/kube/objects.ts';

/** Of the node life cycle controller in 1.34. */
export const NODE_GRACE_MS = 50_000;

const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const NOT_READY = 'node.kubernetes.io/not-ready';
const MANAGED = new Set([UNREACHABLE, UNSCHEDULABLE, NOT_READY]);

export interface NodeLifeState {
  readonly node: Node;
  /** For how long the node's lease has not been renewed, by the controller's own clock. */
  readonly silentMs: number;
}

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

export interface NodeLifePlan {
  /** The node's Ready condition becomes Unknown, and its Pods are no longer ready. */
  readonly isLost: boolean;
  /** All taints the node shall have; undefined when it has them. */
  readonly taints?: readonly Taint[];
}

export function planNodeLife({ node, silentMs }: NodeLifeState): NodeLifePlan {
  const isLost = silentMs > NODE_GRACE_MS;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const keys = [
    ...(node.spec?.unschedulable ? [UNSCHEDULABLE] : []),
    ...(isLost || ready === 'Unknown' ? [UNREACHABLE] : []),
    ...(!isLost && ready === 'False' ? [NOT_READY] : []),
  ];
  const before = node.spec?.taints ?? [];
  const managed = keys.map((key): Taint => ({ key, effect: 'NoSchedule' }));
  const taints = [...before.filter(({ key, effect }) => !(MANAGED.has(key) && effect === 'NoSchedule')), ...managed];
  const isSame = taintKeys(taints) === taintKeys(before);
  return { isLost: isLost && ready !== 'Unknown', ...(!isSame && { taints }) };
}

function taintKeys(taints: readonly Taint[]): string {
  return JSON.stringify(taints.map(({ key, value = '', effect }) => [key, value, effect]).sort());
}
