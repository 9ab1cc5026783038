import { READINESS_GATE } from '../../../common/names.ts';
import type { Breach } from '../breach.ts';
import { STALE_MAX_MS } from '../cloud-faults.ts';
import { type CloudTarget, conditionsWritten, replayCloud } from '../evidence.ts';
import type { Ledger, OwnListener } from './ledger.ts';

/** From the moment that a read shows to the gate's write, at the most. */
const TELLING_MS = 3_000;

/** A target as reads showed it from `from` to `to`. */
interface Span {
  /** The listener's id and `address:port`. */
  readonly key: string;
  readonly target: CloudTarget;
  readonly from: number;
  to: number;
}

/**
 * L3: a gate is opened for the first time only when the cloud said healthy, with the weight that is wanted, of the Pod's
 * target on every listener that wanted it for a while.
 */
export function gatesTellTheTruth(ledger: Ledger): Breach[] {
  const spans = spansByPod(ledger);
  const opened = new Set<string>();
  const found: Breach[] = [];
  for (const { at, podName, podUid, condition } of conditionsWritten(ledger.evidence.apiWrites, READINESS_GATE)) {
    if (condition.status !== 'True' || opened.has(podUid)) continue;
    if (ledger.evidence.misled?.(podUid, at, at)) continue;
    opened.add(podUid);
    for (const listener of ledger.listeners()) {
      const isThere = listener.createdAt <= at - TELLING_MS && listener.deletedAt > at;
      if (!isThere || !isWanted(ledger, { listener, podUid, at })) continue;
      const shown = (spans.get(podUid) ?? []).filter(
        ({ target, from, to }) =>
          target.listenerId === listener.id && from <= at && to >= at - TELLING_MS - STALE_MAX_MS,
      );
      if (shown.some(span => isAsWanted(ledger, { listener, podUid, at }, span))) continue;
      const message = `the gate of ${podName} was opened (${condition.reason}), and ${listener.id} did not serve it`;
      found.push({ law: 'L3', message });
    }
  }
  return found;
}

interface Question {
  readonly listener: OwnListener;
  readonly podUid: string;
  readonly at: number;
}

function isWanted(ledger: Ledger, { listener, podUid, at }: Question): boolean {
  const pods = ledger.podDuring(podUid, at, at);
  const ports = ledger.wantedDuring(listener, at - TELLING_MS, at);
  const targetPorts = new Set(ports.map(port => port?.targetPort));
  return targetPorts.size === 1 && ports.every(port => pods.every(pod => weightAt(ledger, port, pod) !== undefined));
}

function isAsWanted(ledger: Ledger, { listener, podUid, at }: Question, { key, target }: Span): boolean {
  const from = at - TELLING_MS - STALE_MAX_MS;
  const isHealthy = target.status === 'Alive' || target.status === 'Close';
  return (
    isHealthy &&
    ledger
      .wantedDuring(listener, from, at)
      .filter(port => key.endsWith(`:${port?.targetPort}`))
      .some(port =>
        ledger.podDuring(podUid, ledger.heardFrom(from), at).some(pod => weightAt(ledger, port, pod) === target.weight),
      )
  );
}

function weightAt(ledger: Ledger, port: Parameters<Ledger['weightOn']>[0], pod: Parameters<Ledger['weightOn']>[1]) {
  return ledger.weightOn(port, pod, `${pod?.status?.podIP}:${port?.targetPort}`);
}

function spansByPod({ evidence }: Ledger): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  replayCloud(evidence.journal, ({ at, before, after }) => {
    for (const [key, target] of after) {
      if (before.get(key) === target) continue;
      const own = spans.get(target.podUid) ?? [];
      spans.set(target.podUid, own);
      close(own, key, at);
      own.push({ key, target, from: at, to: Number.POSITIVE_INFINITY });
    }
    for (const [key, target] of before) if (!after.has(key)) close(spans.get(target.podUid) ?? [], key, at);
  });
  return spans;
}

function close(spans: readonly Span[], key: string, at: number): void {
  const open = spans.findLast(span => span.key === key);
  if (open && open.to > at) open.to = at;
}
