import { textTable } from '../../../tools/text-table.ts';
import type { CaseResult } from './kill-case.ts';

/** One row for each thing that recovered; the first of a case also tells of its requests. */
export function resultTable(results: readonly CaseResult[]): string {
  const rows = results.flatMap(({ killCase, sent, lost, recoveries, problems }) => {
    const head = [
      killCase.fault,
      String(sent),
      String(lost),
      String(killCase.lostMax),
      problems.length === 0 ? 'passed' : 'FAILED',
    ];
    const [first, ...more] = recoveries.map(({ what, tookMs }) => [`${(tookMs / 1000).toFixed(1)} s`, what]);
    return [[...head, ...(first ?? [])], ...more.map(row => ['', '', '', '', '', ...row])];
  });
  return textTable([['fault', 'sent', 'lost', 'allowed', '', 'recovery', 'what recovered'], ...rows]);
}

/** Why some of the requests may be lost. */
export function reasons(results: readonly CaseResult[]): string {
  const lossy = results.filter(({ killCase }) => killCase.why !== '');
  return lossy.map(({ killCase }) => `${killCase.fault}: ${killCase.why}`).join('\n');
}
