import type { Clock } from '../../common/clock.ts';
import type { DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import type { PodChange, PodTable } from '../pods/pod-table.ts';
import type { DrainTracker } from './drain-tracker.ts';

export interface DrainUpdateOptions {
  readonly clock: Clock;
  readonly table: Pick<PodTable, 'findByUid' | 'deletionSeen'>;
  readonly tracker: Pick<DrainTracker, 'updated'>;
  readonly onChange: (change: PodChange) => void;
}

/** Takes how far a drain is, and that its Pod is being deleted: an agent whose watch is broken may not have heard of it. */
export function takeDrainUpdate(options: DrainUpdateOptions, update: DrainUpdate): void {
  takeDeletion(options, update);
  options.tracker.updated(update);
}

function takeDeletion({ clock, table, onChange }: DrainUpdateOptions, update: DrainUpdate): void {
  const { podUid, deletionGracePeriodSeconds: gracePeriodSeconds } = update;
  const pod = table.findByUid(podUid);
  if (!pod || pod.deletion || gracePeriodSeconds === undefined) return;
  onChange(table.deletionSeen(podUid, { seenAtMs: 0, gracePeriodSeconds }, clock.wallNow()));
}
