import type { LoadReport } from '../../../sandbox/load/tally.ts';
import type { Breach } from '../../simulation/breach.ts';
import type { Evidence } from '../../simulation/evidence.ts';
import { breaches } from '../../simulation/laws.ts';
import type { CaseResult, KillCase, Recovery } from './kill-case.ts';

const LOSSES_SHOWN_MAX = 5;

export interface Played {
  readonly reports: readonly LoadReport[];
  readonly evidence: Evidence;
  readonly recoveries: readonly Recovery[];
}

/** Holds what happened against the laws and against what the case may lose. */
export function judge(killCase: KillCase, { reports, evidence, recoveries }: Played): CaseResult {
  const sent = sum(reports.map(report => report.sent));
  const lost = sum(reports.map(({ lostTotal, endedByApplication }) => lostTotal + endedByApplication));
  const problems = [
    ...lawsBroken(evidence, killCase.excuses),
    ...(lost > killCase.lostMax ? lossesOf(reports, lost, killCase) : []),
    ...(sent === 0 ? ['no request was sent'] : []),
  ];
  return { killCase, sent, lost, recoveries, problems };
}

function lawsBroken(evidence: Evidence, excuses: (breach: Breach) => boolean = () => false): string[] {
  return breaches(evidence)
    .filter(breach => !excuses(breach))
    .map(({ law, message }) => `${law}: ${message}`);
}

function lossesOf(reports: readonly LoadReport[], lost: number, { lostMax }: KillCase): string[] {
  const losses = reports.flatMap(report => report.losses).slice(0, LOSSES_SHOWN_MAX);
  const lines = losses.map(({ kind, cause, detail, pod, startedAt, lostAt }) => {
    const times = `${new Date(startedAt).toISOString()} to ${new Date(lostAt).toISOString()}`;
    return `  ${kind} ${cause} ${detail} ${pod} ${times}`;
  });
  return [`${lost} requests lost, ${lostMax} allowed:`, ...lines];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
