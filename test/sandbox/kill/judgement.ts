import type { LoadReport, Loss } from '../../../sandbox/load/tally.ts';
import type { Breach } from '../../simulation/breach.ts';
import type { Evidence } from '../../simulation/evidence.ts';
import { oneWriterOfAll } from '../../simulation/law-writers.ts';
import { breaches } from '../../simulation/laws.ts';
import type { ClbCall } from './clb-calls.ts';
import type { CaseResult, KillCase } from './kill-case.ts';
import type { Recovery } from './stage.ts';
import { callNotes, type Death } from './writers.ts';

const LOSSES_SHOWN_MAX = 5;

export interface Played {
  readonly reports: readonly LoadReport[];
  readonly evidence: Evidence;
  readonly clbCalls: readonly ClbCall[];
  readonly deaths: readonly Death[];
  readonly resets: readonly number[];
  readonly recoveries: readonly Recovery[];
}

/** Holds what happened against the laws and against what the case may lose. */
export function judge(killCase: KillCase, played: Played): CaseResult {
  const { reports, recoveries } = played;
  const sent = sum(reports.map(report => report.sent));
  const lost = sum(reports.map(({ lostTotal, endedByApplication }) => lostTotal + endedByApplication));
  const problems = [
    ...lawsBroken(played, killCase.excuses),
    ...lossesBeyond(reports, lost, killCase),
    ...(sent === 0 ? ['no request was sent'] : []),
  ];
  return { killCase, sent, lost, recoveries, problems };
}

function lawsBroken(
  { evidence, clbCalls, deaths, resets }: Played,
  excuses: (breach: Breach) => boolean = () => false,
): string[] {
  // L7 is held against the processes themselves, which the journal alone does not tell apart.
  const others = breaches(evidence).filter(({ law }) => law !== 'L7');
  const notes = callNotes(evidence.journal, { calls: clbCalls, deaths, resets });
  return [...others, ...oneWriterOfAll({ ...evidence, clbCalls: notes })]
    .filter(breach => !excuses(breach))
    .map(({ law, message }) => `${law}: ${message}`);
}

function lossesBeyond(
  reports: readonly LoadReport[],
  lost: number,
  { lostMax, lostKinds }: Pick<KillCase, 'lostMax' | 'lostKinds'>,
): string[] {
  const losses = reports.flatMap(report => report.losses);
  const others = lostKinds ? losses.filter(({ kind }) => !lostKinds.includes(kind)) : [];
  return [
    ...(lost > lostMax ? [`${lost} requests lost, ${lostMax} allowed:`, ...lines(losses)] : []),
    ...(others.length > 0 ? [`lost other requests than ${lostKinds?.join(', ')}:`, ...lines(others)] : []),
  ];
}

function lines(losses: readonly Loss[]): string[] {
  return losses.slice(0, LOSSES_SHOWN_MAX).map(({ kind, cause, detail, pod, startedAt, lostAt }) => {
    const times = `${new Date(startedAt).toISOString()} to ${new Date(lostAt).toISOString()}`;
    return `  ${kind} ${cause} ${detail} ${pod} ${times}`;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
