import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { allContainersExited } from '../../common/pod-ends.ts';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';
import { isTerminal } from './lasting-facts.ts';
import type { LeavingSign } from './node-sign.ts';
import type { Rule } from './rule.ts';

/**
 * What should become of a Pod's target on a rule that selects it. Derived anew from facts every time, so a fresh leader
 * comes to the same answer as the one before it.
 */
export type Disposition =
  /** Open with this weight. */
  | { readonly kind: 'serve'; readonly weight: number }
  /** Registered at weight 0, so that health checks run while the Pod starts. */
  | { readonly kind: 'standby'; readonly waitsFor: 'readiness' | 'confirmation' }
  /** Weight 0, still registered: live connections go on. */
  | { readonly kind: 'drain'; readonly evidence: DrainEvidence }
  /** Deregistered: no connection is left to cut. */
  | { readonly kind: 'remove'; readonly evidence: RemoveEvidence };

/**
 * `node`: the end of its node is announced. `unreachable`: its node is lost. `replaced`: no longer selected, and what now serves in its place keeps the rule's capacity as it was. `quota`: its
 * place goes to a Pod whose gate waits.
 */
export type DrainEvidence =
  | 'deletion'
  | 'exit'
  | 'replaced'
  | 'hook'
  | 'node'
  | 'unreachable'
  | 'unready'
  | 'weight'
  | 'unselected'
  | 'quota';
export type RemoveEvidence = 'gone' | 'moved' | 'terminal' | 'exited' | 'connections-ended' | 'unselected' | 'quota';

const WEIGHT_ANNOTATIONS = { Service: CUSTOM_WEIGHT_ANNOTATION, Ingress: INGRESS_CUSTOM_WEIGHT_ANNOTATION } as const;
const DEFAULT_WEIGHT = 10;
const WEIGHT_MAX = 100;

/**
 * Deletion and exit are strong; everything else about a living Pod is weak and stands under the brake (law L2), but what
 * new targets have replaced one for one, since it takes nothing away.
 */
export function isStrong(evidence: DrainEvidence | RemoveEvidence): boolean {
  switch (evidence) {
    case 'deletion':
    case 'exit':
    case 'replaced':
    case 'gone':
    case 'moved':
    case 'terminal':
    case 'exited':
    case 'connections-ended':
      return true;
    case 'hook':
    case 'node':
    case 'unreachable':
    case 'unready':
    case 'unselected':
    case 'weight':
    case 'quota':
      return false;
  }
}

/**
 * For a Pod that the rule selects.
 * @param standing what else the rule has: where nobody could take over, what is said of nodes is not acted on
 */
export function dispositionOf(
  pod: PodView,
  rule: Pick<Rule, 'publishNotReadyAddresses' | 'weights' | 'service'>,
  standing: { readonly keepsLeavingNodes?: boolean | undefined } = {},
): Disposition {
  const { record } = pod;
  if (pod.isDisputed) return { kind: 'standby', waitsFor: 'confirmation' };
  if (isTerminal(record)) return { kind: 'remove', evidence: 'terminal' };
  if (pod.deletionSeenAt !== undefined) return leaving(pod);
  // Before the hook: an exit is strong evidence, a call alone is weak.
  if (anyContainerExited(record)) return { kind: 'drain', evidence: 'exit' };
  if (pod.drain) return { kind: 'drain', evidence: 'hook' };
  const isInDoubt = pod.isNodeInDoubt && !standing.keepsLeavingNodes;
  const isUnready = !record.ready && !rule.publishNotReadyAddresses;
  // It may have become ready since its node was heard of last.
  if (isUnready && !pod.isNodeInDoubt) return { kind: 'standby', waitsFor: 'readiness' };
  // Closing needs no confirmation.
  if (pod.nodeSign && !standing.keepsLeavingNodes) return { kind: 'drain', evidence: evidenceOf(pod.nodeSign) };
  const isSure = pod.confirmed && !pod.isUnheld && !record.lostWithNode;
  if (!isSure || isInDoubt || isUnready) return { kind: 'standby', waitsFor: 'confirmation' };
  return { kind: 'serve', weight: weightOf(record, rule) };
}

function evidenceOf({ kind }: LeavingSign): DrainEvidence {
  return kind === 'unreachable' ? 'unreachable' : 'node';
}

/** Only of a deleted Pod: after a hook alone it may come back, so that its binding stays. */
function leaving(pod: PodView): Disposition {
  if (allContainersExited(pod.record)) return { kind: 'remove', evidence: 'exited' };
  if (pod.drain?.phase === 'connections-ended') return { kind: 'remove', evidence: 'connections-ended' };
  return { kind: 'drain', evidence: 'deletion' };
}

/**
 * The weight the user asked for on rules of this kind of owner, of the Pod itself or of the rule's Pods; a malformed
 * annotation counts as none (the Pod's admission warned about it).
 */
export function weightOf(record: PodRecord, { weights, service }: Pick<Rule, 'weights' | 'service'>): number {
  const text = record.annotations[WEIGHT_ANNOTATIONS[service.kind ?? 'Service']];
  const own = text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (own <= WEIGHT_MAX) return own;
  return weights?.byPodName[record.name] ?? weights?.byDefault ?? DEFAULT_WEIGHT;
}

function anyContainerExited(record: PodRecord): boolean {
  return record.containers.some(container => container.state === ContainerState.EXITED);
}
