import { READINESS_GATE } from '../../common/names.ts';
import type { Breach } from './breach.ts';
import { appOf, type CloudTargets, conditionsWritten, type Evidence, isOpen, replayCloud } from './evidence.ts';

/** From the moment that a read shows to the gate's write, at the most. */
const TELLING_MS = 3_000;

/** L3: a gate was opened only while the cloud said healthy, with weight, of every target of the Pod. */
export function gatesTellTheTruth(evidence: Evidence): Breach[] {
  const serves = servingTimes(evidence);
  const services = servicesMade(evidence);
  return conditionsWritten(evidence.apiWrites, READINESS_GATE)
    .filter(({ condition }) => condition.status === 'True')
    .filter(({ at, podName }) => (services.get(appOf(podName)) ?? Number.POSITIVE_INFINITY) < at - TELLING_MS)
    .filter(({ at, podUid }) => !(serves.get(podUid) ?? []).some(({ from, to }) => from <= at && to >= at - TELLING_MS))
    .map(({ podName, condition }) => ({
      law: 'L3',
      message: `the gate of ${podName} was opened (${condition.reason}) when the cloud did not say healthy with weight`,
    }));
}

interface Span {
  readonly from: number;
  to: number;
}

/** When every target of a Pod was open by the cloud's word, by its UID. */
function servingTimes({ journal }: Evidence): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  replayCloud(journal, ({ at, after }) => {
    const serving = servingPods(after);
    for (const podUid of serving) {
      const own = spans.get(podUid) ?? [];
      spans.set(podUid, own);
      if (own.at(-1)?.to !== Number.POSITIVE_INFINITY) own.push({ from: at, to: Number.POSITIVE_INFINITY });
    }
    for (const [podUid, own] of spans) {
      const last = own.at(-1);
      if (last?.to === Number.POSITIVE_INFINITY && !serving.has(podUid)) last.to = at;
    }
  });
  return spans;
}

function servingPods(targets: CloudTargets): Set<string> {
  const all = [...targets.values()];
  const closed = new Set(all.filter(target => !isOpen(target)).map(({ podUid }) => podUid));
  return new Set(all.map(({ podUid }) => podUid).filter(podUid => !closed.has(podUid)));
}

/** When the Service of an app was made: before it, no rule wanted its Pods. */
function servicesMade({ apiWrites }: Evidence): Map<string, number> {
  const made = new Map<string, number>();
  for (const { at, method, path, body, status } of apiWrites) {
    if (method !== 'POST' || !path.endsWith('/services') || status >= 300) continue;
    const { spec } = body as { spec: { selector?: Record<string, string> } };
    if (spec.selector?.app) made.set(spec.selector.app, at);
  }
  return made;
}
