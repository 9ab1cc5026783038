import { reportText } from '../../../sandbox/load/report-text.ts';
import type { ChangeOutcome } from './change-under-load.ts';
import { momentsTable } from './pod-moments.ts';

/** What came of a change, for people. */
export function changeText({ gone, report }: ChangeOutcome): string {
  return `\n${momentsTable(gone)}\n${reportText(report)}\n`;
}
