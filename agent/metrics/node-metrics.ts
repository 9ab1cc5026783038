import { NodeSignKind, ProbeOutcome } from '../../proto/gen/clbdirect/v1/report.ts';
import type { AgentMetrics } from '../metrics.ts';
import { signName } from '../node/sign-name.ts';
import type { Meter } from './meter.ts';

type NodeFacts = 'nodeListOrWatchFailed' | 'nodeSigns' | 'probeAnswered';

const SIGN_KINDS = Object.values(NodeSignKind).filter(kind => kind !== NodeSignKind.UNSPECIFIED);
const OUTCOMES: Readonly<Record<ProbeOutcome, string>> = {
  [ProbeOutcome.UNSPECIFIED]: 'unspecified',
  [ProbeOutcome.CONNECTED]: 'connected',
  [ProbeOutcome.REFUSED]: 'refused',
  [ProbeOutcome.TIMED_OUT]: 'timed-out',
  [ProbeOutcome.UNREACHABLE]: 'unreachable',
  [ProbeOutcome.DECLINED]: 'declined',
};

export function nodeMetrics({ counter, gauge }: Meter): Pick<AgentMetrics, NodeFacts> {
  const failures = counter('node_watch_errors_total', 'Lists and watches of the own Node object that failed.');
  const signs = gauge('node_signs', '1 for each kind of sign that announces the end of this node now, else 0.', 'kind');
  const probes = counter('probes_total', 'Probes that coordinators asked for, by outcome.', 'outcome');
  const nodeSigns = (kinds: readonly NodeSignKind[]) => {
    for (const kind of SIGN_KINDS) signs.set({ kind: signName(kind) }, kinds.includes(kind) ? 1 : 0);
  };
  nodeSigns([]);
  return {
    nodeListOrWatchFailed: () => failures.inc(),
    nodeSigns,
    probeAnswered: outcome => probes.inc({ outcome: OUTCOMES[outcome] }),
  };
}
