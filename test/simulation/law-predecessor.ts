import { READINESS_GATE } from '../../common/names.ts';
import type { Breach } from './breach.ts';
import { conditionsWritten, podUidOf } from './evidence.ts';
import type { WriterEvidence } from './law-writers.ts';

/** So long a new leader takes the last write of a dead one to last at the most. */
const LAST_WRITE_MS = 10_000;

/** L7: as long as the last write of a dead leader may still close a Pod's target, nobody else opens the Pod's gate. */
export function noGateBeforeTheLastWrite({ journal, apiWrites, clbCalls }: WriterEvidence): Breach[] {
  return journal.flatMap(record => {
    const process = record.kind === 'change' ? clbCalls.get(record.requestId)?.process : undefined;
    const diedAt = process?.severedAt;
    if (record.kind !== 'change' || diedAt === undefined || diedAt >= record.at) return [];
    if (record.at - diedAt > LAST_WRITE_MS) return [];
    const meanwhile = apiWrites.filter(
      ({ at, username }) => at > diedAt && at < record.at && username !== process?.name,
    );
    const opened = conditionsWritten(meanwhile, READINESS_GATE).filter(({ condition }) => condition.status === 'True');
    const closed = new Set(
      record.changes.flatMap(change =>
        'tag' in change && (change.kind === 'target-deregistered' || change.weight === 0) ? podUidOf(change.tag) : [],
      ),
    );
    return opened
      .filter(({ podUid }) => closed.has(podUid))
      .map(({ podName }) => ({
        law: 'L7',
        message: `the gate of ${podName} was opened before the last write of ${process?.name}, which closed it`,
      }));
  });
}
