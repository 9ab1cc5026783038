import { expect, test } from 'vitest';
import type { LoadReport } from '../load/tally.ts';
import type { PodMoments } from './moments.ts';
import { judge, type SideResult } from './verdict.ts';

const DEMANDS = { requestsMin: 100, replacementsMin: 1, drainingShareMin: 0.3 };

/** 100 requests in the second before `DRAIN_FROM` and 100 in the second from then on. */
const STARTED_AT = 10_000;
const DRAIN_FROM = STARTED_AT + 1_000;

function report(lost: number, changes: Partial<LoadReport> = {}): LoadReport {
  const none = { refused: 0, reset: 0, timedOut: 0, truncated: 0, status: 0, wrongPod: 0, other: 0 };
  return {
    sent: 200,
    sentByKind: { fresh: 200, keepAlive: 0, long: 0 },
    ok: 200 - lost,
    lostTotal: lost,
    lost: { ...none, reset: lost },
    endedByApplication: 0,
    closedBetweenRequests: 0,
    notSent: 0,
    latency: { p50Ms: 1, p99Ms: 2 },
    answersByPod: { a: 200 - lost },
    losses: [],
    startedAt: STARTED_AT,
    timeline: Array.from({ length: 20 }, () => ({ sent: 10, lost: 0 })),
    ...changes,
  };
}

const drained: PodMoments = {
  podName: 'a',
  preStop: DRAIN_FROM - 100,
  weightZero: DRAIN_FROM,
  lastConnection: STARTED_AT + 1_800,
  deregistered: STARTED_AT + 2_000,
  terminated: STARTED_AT + 2_100,
  openAtWeightZero: 5,
  cut: 0,
};

function side(lost: number, changes: Partial<SideResult> = {}): SideResult {
  const counts = { served: 200 - lost, aborted: 0, pods: new Set(['a']) };
  return { loads: [report(lost)], moments: [drained], counts, ...changes };
}

function failures(hooked: SideResult, gateOnly: SideResult): string[] {
  const checks = judge(hooked, gateOnly, DEMANDS);
  return checks.filter(({ holds }) => !holds).map(({ claim }) => claim);
}

test('a run that lost nothing with the hook and something without it passes', () => {
  expect(failures(side(0), side(3))).toEqual([]);
});

test.each<[string, SideResult, SideResult, RegExp]>([
  ['a request was lost on the hooked side', side(1), side(3), /hooked: 1 of 200 requests lost/],
  ['nothing was lost on the other side', side(0), side(0), /gate-only: 0 of 200/],
  ['no Pod was replaced there', side(0), side(3, { moments: [] }), /Pods replaced on each side: 0/],
  [
    'a Pod got SIGTERM before weight 0',
    side(0, { moments: [drained, { ...drained, podName: 'late', terminated: DRAIN_FROM - 1 }] }),
    side(3),
    /weight 0 before SIGTERM, but not late/,
  ],
  [
    'a Pod never stood at weight 0',
    side(0, { moments: [drained, { ...drained, podName: 'none', weightZero: undefined }] }),
    side(3),
    /but not none/,
  ],
  [
    'nearly all requests ran while nothing drained',
    side(0, { moments: [{ ...drained, deregistered: DRAIN_FROM + 300 }] }),
    side(3),
    /15 % of the requests/,
  ],
  [
    'no drain met an open connection',
    side(0, { moments: [{ ...drained, openAtWeightZero: 0 }] }),
    side(3),
    /met 0 open connections/,
  ],
  [
    'the Pods served less than was answered',
    side(0, { counts: { served: 199, aborted: 0, pods: new Set(['a']) } }),
    side(3),
    /hooked: 200 answered .* count 199 served/,
  ],
  [
    'a Pod of another Service answered',
    side(0, { loads: [report(0, { answersByPod: { a: 199, b: 1 } })] }),
    side(3),
    /strangers answered: b/,
  ],
])('it fails when %s', (_, hooked, gateOnly, claim) => {
  expect(failures(hooked, gateOnly).join('\n')).toMatch(claim);
});
