import { quantile } from '../quantile.ts';
import type { DrainScan } from './drain-scan.ts';
import type { AgentFigures } from './measure-agent.ts';

interface AgentRun {
  readonly figures: AgentFigures;
  readonly scan: DrainScan;
  readonly minutes: number;
  /** Of the machine over the last five minutes. */
  readonly loadAverage: number;
}

export type AgentSummary = ReturnType<typeof agentSummary>;

/** The figures by the names that they have in the JSON. */
export function agentSummary({ figures, scan, minutes, loadAverage }: AgentRun) {
  const { memory, rest, load, coldStartMs, exitReportMs } = figures;
  return rounded({
    rssMiB: memory.agent.rssMiB,
    rssAnonMiB: memory.agent.rssAnonMiB,
    rssPeakMiB: memory.agent.rssPeakMiB,
    cpuPercent: rest.cpuPercent,
    wakeUpsPerSecond: rest.wakeUpsPerSecond,
    quietStreamBytesPerHour: rest.streamBytesPerHour,
    cpuPercentUnderLoad: load.cpuPercent,
    wakeUpsPerSecondUnderLoad: load.wakeUpsPerSecond,
    coldStartMs: quantile(coldStartMs, 0.5),
    coldStartMaxMs: Math.max(...coldStartMs),
    drainScanP50Ms: quantile(scan.walkMs, 0.5),
    drainScanP99Ms: quantile(scan.walkMs, 0.99),
    drainScanUnchangedP99Ms: quantile(scan.unchangedMs, 0.99),
    exitReportP50Ms: quantile(exitReportMs, 0.5),
    exitReportP99Ms: quantile(exitReportMs, 0.99),
    skeletonRssMiB: memory.skeleton.rssMiB,
    skeletonRssAnonMiB: memory.skeleton.rssAnonMiB,
    emptyNodeRssMiB: memory.emptyNode.rssMiB,
    emptyNodeRssAnonMiB: memory.emptyNode.rssAnonMiB,
    minutes,
    loadAverage,
  });
}

/** To what a reader can use. */
function rounded<Name extends string>(figures: Readonly<Record<Name, number>>): Record<Name, number> {
  const entries = Object.entries<number>(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]);
  return Object.fromEntries(entries) as Record<Name, number>;
}
