import type { LoadReport, Loss } from './tally.ts';

const LOSSES_SHOWN = 5;

/** A report for people: the sums, then what was lost and why, then who answered. */
export function reportText(report: LoadReport): string {
  const { sentByKind: kinds, latency } = report;
  const lines = [
    `sent ${report.sent} (${kinds.fresh} on fresh connections, ${kinds.keepAlive} on kept ones, ${kinds.long} long)`,
    `ok ${report.ok}, lost ${report.lostTotal}${causes(report)}`,
    `p50 ${latency.p50Ms.toFixed(1)} ms, p99 ${latency.p99Ms.toFixed(1)} ms`,
    ...told(report.endedByApplication, 'ended by the application after their budget'),
    ...told(report.closedBetweenRequests, 'kept connections closed between two requests (no loss)'),
    ...told(report.notSent, 'not sent, because too many were under way: lower --rate'),
    ...report.losses.slice(0, LOSSES_SHOWN).map(lossText),
    ...told(report.losses.length - LOSSES_SHOWN, 'more losses'),
    ...podLines(report.answersByPod),
  ];
  return lines.join('\n');
}

function causes({ lost }: LoadReport): string {
  const named = Object.entries(lost).filter(([, count]) => count > 0);
  return named.length === 0 ? '' : ` (${named.map(([cause, count]) => `${cause} ${count}`).join(', ')})`;
}

function told(count: number, what: string): string[] {
  return count > 0 ? [`${count} ${what}`] : [];
}

function lossText({ cause, detail, kind, client, pod, startedAt, lostAt }: Loss): string {
  const at = new Date(lostAt).toISOString().slice(11, 23);
  const who = [client && `from ${client}`, pod && `by ${pod}`].filter(Boolean).join(' ');
  return `  ${at} ${kind} ${who} ${cause} after ${Math.round(lostAt - startedAt)} ms: ${detail}`;
}

function podLines(answers: LoadReport['answersByPod']): string[] {
  const pods = Object.entries(answers);
  const width = Math.max(0, ...pods.map(([pod]) => pod.length));
  return pods.map(([pod, count]) => `  ${pod.padEnd(width)}  ${count} answers`);
}
