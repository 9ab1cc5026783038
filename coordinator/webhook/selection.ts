import type { Pod } from '../../common/kube/objects.ts';
import { INJECT_ANNOTATION } from '../../common/names.ts';
import { eniMark } from './eni-marks.ts';
import type { Surroundings } from './surroundings.ts';
import { quoted } from './warning.ts';

/** On Pods that follow a file on their node. */
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const OWN_LABEL = 'app.kubernetes.io/name';
const OWN_NAME = 'clb-direct';
/** What a cluster needs to start; its Pods are injected when they ask for it themselves. */
const SYSTEM_NAMESPACE = 'kube-system';

export interface SelectionPolicy {
  /** `always` in pure VPC-CNI clusters, where ENI Pods carry no mark. */
  readonly pods: 'withEniMark' | 'always';
}

export interface Selection {
  readonly isWanted: boolean;
  readonly warnings: readonly string[];
}

const UNTOUCHED: Selection = { isWanted: false, warnings: [] };

/**
 * Whether a Pod at creation gets gate and hook. Its own word decides, else its namespace's, else what its network's marks
 * say, and whether something that we serve selects it.
 */
export function selectionOf(pod: Pod, surroundings: Surroundings, policy: SelectionPolicy): Selection {
  if (isUntouchable(pod)) return UNTOUCHED;
  const { annotations, labels } = pod.metadata;
  const { word, warnings } = injectWord(annotations?.[INJECT_ANNOTATION] ?? labels?.[INJECT_ANNOTATION]);
  const isWanted = word ?? isWantedByOthers(pod, surroundings, policy);
  return { isWanted, warnings };
}

/** Mirror Pods follow a file on the node; ours must start without us. */
function isUntouchable({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR_ANNOTATION] !== undefined || metadata.labels?.[OWN_LABEL] === OWN_NAME;
}

function injectWord(text: string | undefined): { word: boolean | undefined; warnings: string[] } {
  switch (text) {
    case undefined:
      return { word: undefined, warnings: [] };
    case 'true':
    case 'false':
      return { word: text === 'true', warnings: [] };
    default: {
      const warning = `${INJECT_ANNOTATION}: ${quoted(text)} is neither "true" nor "false" and is ignored`;
      return { word: undefined, warnings: [warning] };
    }
  }
}

function isWantedByOthers(pod: Pod, { namespaceName, namespace, isSelected }: Surroundings, policy: SelectionPolicy) {
  if (namespaceName === SYSTEM_NAMESPACE || namespace?.inject === false) return false;
  const mark = eniMark(pod);
  // Agents of others share the node's network, and a word about their whole namespace is not meant for them.
  if (mark === 'hostNetwork') return isSelected;
  if (namespace?.inject === true || mark === 'eni' || mark === 'superNode') return true;
  return mark === 'none' && (isSelected || policy.pods === 'always');
}
