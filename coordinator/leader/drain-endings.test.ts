import { beforeEach, describe, expect, test } from 'vitest';
import { ANSWER_MEANINGS } from '../../agent/drain/answer-reason.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { DrainAnswer } from '../../proto/gen/clbdirect/v1/report.ts';
import { podRecord } from '../core/pod.fixture.ts';
import { Knowledge } from '../knowledge.ts';
import { DrainEndings } from './drain-endings.ts';

let clock: VirtualClock;
let told: string[];
let counted: string[];
let endings: DrainEndings;

beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  counted = [];
  const knowledge = new Knowledge();
  knowledge.store.apply('n1', { upserts: [podRecord()], removals: [] }, 0);
  endings = new DrainEndings({
    knowledge,
    clock,
    ports: { reportPod: (_pod, { code, message }) => told.push(`${code} ${message}`) },
    observer: { drainAnswered: reason => counted.push(reason) },
    settleMs: 2_000,
  });
});

function answer(fields: Partial<DrainAnswer> = {}): DrainAnswer {
  return { reason: 'drained', connectionsLeft: 0, heldMs: 4_230, ...fields };
}

describe('the end of a drain', () => {
  const agentReasons = Object.entries(ANSWER_MEANINGS).map(([reason, { isEarly }]) => [reason, isEarly] as const);

  test.each(agentReasons)(
    'for the reason %s is counted, and told on the Pod if it was early: %s',
    (reason, isEarly) => {
      endings.ended('pod-1', answer({ reason }), []);
      expect(counted).toEqual([reason]);
      expect(told.length).toBe(isEarly ? 1 : 0);
    },
  );

  test('that came early is told on the Pod, with cause and next step', () => {
    endings.ended('pod-1', answer({ reason: 'connections-left', connectionsLeft: 3, heldMs: 25_000 }), []);
    expect(told).toEqual([
      'CD3004 Pod default/pod-1: its preStop hook was answered after 25.0 s with 3 connections left, because connections outlived its budget. The target stays at weight 0 until the containers exit. If clients lost connections, raise clb-direct.io/drain-seconds or let the application end them on SIGTERM.',
    ]);
  });

  test('in words of a later agent is told as they are, cleaned of what is no text, and counted as other', () => {
    endings.ended('pod-1', answer({ reason: 'moon\n\u0007phase' }), []);
    expect(counted).toEqual(['other']);
    expect(told).toEqual([expect.stringContaining('because of "moon??phase"')]);
  });

  test('of a Pod that nobody knows is only counted', () => {
    endings.ended('stranger', answer({ reason: 'no-leader' }), []);
    expect(counted).toEqual(['no-leader']);
    expect(told).toEqual([]);
  });

  test('is told for 60 Pods a minute at the most', async () => {
    const early = () => endings.ended('pod-1', answer({ reason: 'not-settled' }), []);
    for (let count = 0; count < 100; count += 1) early();
    expect([told.length, counted.length]).toEqual([60, 100]);
    await clock.advance(60_000);
    early();
    expect(told.length).toBe(61);
  });
});

describe('the time to settle', () => {
  test('is learnt of each load balancer that held the Pod, and a Pod waits for its slowest', () => {
    endings.ended('pod-1', answer({ lastArrivalMs: 3_400 }), ['lb-1']);
    expect(endings.settleMs(['lb-1'])).toBe(4_400);
    expect(endings.settleMs(['lb-2'])).toBe(2_000);
    expect(endings.settleMs(['lb-2', 'lb-1'])).toBe(4_400);
    expect(endings.settleMs([])).toBe(2_000);
  });

  test('is not learnt where connections never stop coming, or nobody looked', () => {
    for (const reason of ['deregistered-with-connections', 'connections-unreadable', 'no-weight-zero', 'moon']) {
      endings.ended('pod-1', answer({ reason, lastArrivalMs: 9_000 }), ['lb-1']);
    }
    expect(endings.settleMs(['lb-1'])).toBe(2_000);
  });
});
