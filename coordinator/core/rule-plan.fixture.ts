/** What tests of plans share: how Pods change, and what the plan makes of it. */
import type { PodRecord } from '../../common/pod-record.ts';
import type { CoreWorld } from '../../test/property/core-world.ts';

export const ONE_RULE = [{ port: 80, app: 'web' }];
export const MINUTE_MS = 60_000;

export function tell(world: CoreWorld, index: number, edit: (record: PodRecord) => PodRecord): void {
  world.change(index, edit);
  world.reportOne(index);
}

/** What the next write does to which Pod. */
export function next(world: CoreWorld): string[] {
  return (world.plan()?.write?.operations ?? []).map(operation => `${operation.kind} ${operation.podUid}`);
}

export function holds(world: CoreWorld): string[] {
  return (world.plan()?.holds ?? []).map(hold => `${hold.reason} ${hold.podUid}`);
}

export function openPods(world: CoreWorld): string[] {
  return [...world.cloud].filter(([, bound]) => bound.weight > 0).map(([key]) => world.ownerOf(key) ?? '');
}
