import { CollectingLogger } from '../../common/collecting-logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ProbeOutcome } from '../../proto/gen/clbdirect/v1/report.ts';
import { noMetrics } from '../metrics.ts';
import { ReportStreams, type ReportStreamsOptions } from './report-streams.ts';

/** Streams of an agent without Pods and drains, on virtual time. */
export function reportStreams(
  options: Partial<ReportStreamsOptions> & Pick<ReportStreamsOptions, 'connector'>,
): ReportStreams {
  return new ReportStreams({
    clock: new VirtualClock(),
    log: new CollectingLogger(),
    random: seededRandom(1),
    metrics: noMetrics(),
    nodeName: 'node1',
    epoch: 'e1',
    agentVersion: '0.1.0',
    startedAtMs: 1,
    records: () => [],
    isBlind: () => false,
    activeDrains: () => [],
    onDrainUpdate: () => {},
    notice: () => ({ signs: [] }),
    probe: async ({ id }) => ({ id, outcome: ProbeOutcome.DECLINED, roundTripMs: 0 }),
    onCoordinators: () => {},
    onRound: () => {},
    ended: () => [],
    onWelcome: () => {},
    ...options,
  });
}
