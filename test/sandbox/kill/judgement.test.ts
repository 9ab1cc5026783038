import { expect, test } from 'vitest';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { judge } from './judgement.ts';
import { resultTable } from './result-table.ts';

const lossless = { name: 'a', fault: 'a fault', lostMax: 0, why: '', perform: () => Promise.resolve() };
const quiet = { evidence: { journal: [], records: [], apiWrites: [] }, clbCalls: [], deaths: [], resets: [] };
const recoveries = [
  { what: 'the lease', tookMs: 1_540 },
  { what: 'the rest', tookMs: 12_000 },
];

function report(sent: number, lostTotal: number): LoadReport {
  return { sent, lostTotal, endedByApplication: 0, losses: [] } as unknown as LoadReport;
}

test('a case passes when no more is lost than it may lose', () => {
  const played = { ...quiet, recoveries, reports: [report(10, 1), report(10, 1)] };
  expect(judge({ ...lossless, lostMax: 2 }, played)).toMatchObject({ sent: 20, lost: 2, problems: [] });
  expect(judge(lossless, played).problems).toEqual(['2 requests lost, 0 allowed:']);
});

test('a case fails when it loses a request of a kind that it may not lose', () => {
  const loss = { cause: 'reset', detail: 'ECONNRESET', client: '', pod: 'a', startedAt: 0, lostAt: 1 };
  const reports = [{ ...report(10, 1), losses: [{ ...loss, kind: 'fresh' as const }] }] as unknown as LoadReport[];
  const played = { ...quiet, recoveries, reports };
  expect(judge({ ...lossless, lostMax: 2, lostKinds: ['fresh'] }, played).problems).toEqual([]);
  expect(judge({ ...lossless, lostMax: 2, lostKinds: ['keepAlive'] }, played).problems[0]).toBe(
    'lost other requests than keepAlive:',
  );
});

test('a case without load proves nothing', () => {
  expect(judge(lossless, { ...quiet, recoveries, reports: [] }).problems).toEqual(['no request was sent']);
});

test('a broken law fails a case, unless the fault excuses it', () => {
  const target = { loadBalancerId: 'lb', listenerId: 'lbl', address: '127.64.1.1', port: 80, weight: 0 };
  const cut = { ...target, kind: 'target-deregistered', liveConnections: 3, openedConnections: 3 } as const;
  const forwarded = { kind: 'forwarded', at: 1, forwarder: 0, requestId: 'r', targets: [cut] } as const;
  const evidence = { ...quiet.evidence, journal: [forwarded as never] };
  const played = { ...quiet, evidence, recoveries, reports: [report(1, 0)] };
  expect(judge(lossless, played).problems).toEqual(['L4: deregistering 127.64.1.1:80 cut 3 connections']);
  expect(judge({ ...lossless, excuses: ({ law }) => law === 'L4' }, played).problems).toEqual([]);
});

test('the table has one line for each thing that recovered', () => {
  const result = judge(lossless, { ...quiet, recoveries, reports: [report(10, 0)] });
  expect(resultTable([result]).split('\n').slice(1)).toEqual([
    'a fault  10    0     0        passed  1.5 s     the lease',
    '                                      12.0 s    the rest',
  ]);
});
