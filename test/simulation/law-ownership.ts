import { isAnyMark } from '../../coordinator/core/mark.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { Change } from '../../sandbox/clb/state.ts';
import type { Breach } from './breach.ts';
import { ownershipOf } from './evidence.ts';

/** What all our listeners' names begin with. */
const OUR_NAME = 'clb-direct-';

/**
 * L6: every target that we change carries a mark of ours, unless its listener goes, every listener a name of ours, and every
 * load balancer that we delete was made by us.
 */
export function onlyWhatIsOurs(journal: readonly JournalRecord[]): Breach[] {
  const isByUs = ownershipOf(journal);
  const ours = new Set<string>();
  const found: Breach[] = [];
  for (const record of journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (change.kind === 'listener-created' && change.settings.name.startsWith(OUR_NAME)) ours.add(change.settings.id);
      if (change.kind === 'load-balancer-created' && isByUs(record)) ours.add(change.loadBalancerId);
    }
    if (!isByUs(record)) continue;
    const going = new Set(
      record.changes.flatMap(change => (change.kind === 'listener-deleted' ? change.listenerId : [])),
    );
    for (const change of record.changes) {
      const what = othersIn(change, { ours, going });
      if (what !== undefined) found.push({ law: 'L6', message: `${record.action} changed ${what}` });
    }
  }
  return found;
}

/** What the change takes from others, if anything. */
function othersIn(
  change: Change,
  { ours, going }: { ours: ReadonlySet<string>; going: ReadonlySet<string> },
): string | undefined {
  switch (change.kind) {
    case 'target-registered':
    case 'target-reweighted':
    case 'target-deregistered':
      return isAnyMark(change.tag) || going.has(change.listenerId) ? undefined : 'a target without a mark of ours';
    case 'listener-created':
      return undefined;
    case 'listener-modified':
      return ours.has(change.settings.id) ? undefined : `listener ${change.settings.id}, which is not ours`;
    case 'listener-deleted':
      return ours.has(change.listenerId) ? undefined : `listener ${change.listenerId}, which is not ours`;
    case 'load-balancer-deleted':
      return ours.has(change.loadBalancerId) ? undefined : `load balancer ${change.loadBalancerId}, which is not ours`;
    default:
      return undefined;
  }
}
