import type { Breach } from './breach.ts';
import {
  appOf,
  type CloudTarget,
  type CloudTargets,
  conditionsWritten,
  deletions,
  type Evidence,
  isOpen,
  replayCloud,
  serviceChanges,
} from './evidence.ts';

/** A Pod whose readiness is younger than this could not be known yet. */
const NEWS_MS = 1_000;

/** L2: no write of ours took a listener's last open target while another of its Pods was ready and lived on. */
export function neverEmptied(evidence: Evidence): Breach[] {
  const readiness = conditionsWritten(evidence.apiWrites, 'ContainersReady');
  const deletedAt = deletions(evidence.apiWrites);
  const changedAt = serviceChanges(evidence.apiWrites);
  const readyAt = (app: string, at: number): string | undefined => {
    const last = new Map<string, boolean>();
    for (const { at: writtenAt, podName, condition } of readiness) {
      if (writtenAt > at - NEWS_MS && condition.status === 'True') continue;
      if (writtenAt <= at) last.set(podName, condition.status === 'True');
    }
    const living = (podName: string) => !((deletedAt.get(podName) ?? Number.POSITIVE_INFINITY) <= at);
    return [...last].find(([podName, ready]) => ready && appOf(podName) === app && living(podName))?.[0];
  };
  const found: Breach[] = [];
  replayCloud(evidence.journal, ({ at, changes, before, after }) => {
    for (const listenerId of new Set(changes.map(change => change.listenerId))) {
      const lost = openTargets(before, listenerId);
      const [last] = lost;
      if (!last || openTargets(after, listenerId).length > 0) continue;
      const app = appOf(last.podName);
      if ((changedAt.get(app) ?? Number.POSITIVE_INFINITY) <= at) continue;
      const ready = readyAt(app, at);
      if (ready !== undefined)
        found.push({
          law: 'L2',
          message: `${listenerId} lost its last open target, ${last.podName}, with ${ready} ready`,
        });
    }
  });
  return found;
}

function openTargets(targets: CloudTargets, listenerId: string): CloudTarget[] {
  return [...targets.values()].filter(target => target.listenerId === listenerId && isOpen(target));
}
