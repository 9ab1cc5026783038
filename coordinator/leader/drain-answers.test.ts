import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DrainPhase, DrainState, type DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { type DrainProgress, drainProgress } from '../core/drain-progress.ts';
import { Knowledge } from '../knowledge.ts';
import { DrainAnswers } from './drain-answers.ts';

const PROGRESS: DrainProgress = {
  podUid: 'p1',
  node: 'n1',
  state: 'weight-zero',
  targetPorts: [],
  virtualAddresses: [],
  loadBalancerIds: [],
};

function bench() {
  const clock = new VirtualClock();
  const knowledge = new Knowledge();
  const sent: DrainUpdate[] = [];
  const finished: number[] = [];
  const answers = new DrainAnswers({
    knowledge,
    clock,
    settleMs: ids => 2_000 + 100 * [...ids].length,
    ports: { sendDrainUpdate: (_node, update) => sent.push(update) },
    observer: { drainFinished: durationMs => finished.push(durationMs) },
  });
  const hook = (phase: DrainPhase) => {
    const request = { podUid: 'p1', phase, budgetMs: 30_000 };
    knowledge.applyReport({ type: 'drain', node: 'n1', session: 's', request }, clock.now());
  };
  /** As a leader that has found every load balancer, or has not; none holds the Pod. */
  const answer = (complete: boolean) => answers.answer(['p1'], drain => drainProgress(drain, [], complete));
  return { clock, knowledge, sent, finished, answers, answer, hook };
}

test('an agent hears of a Pod that no load balancer holds at once, and once', () => {
  const { sent, finished, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(true);
  answer(true);
  expect(sent.map(update => update.state)).toEqual([DrainState.DEREGISTERED]);
  expect(finished).toEqual([0]);
});

test('an agent that asks again is answered again', () => {
  const { sent, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(true);
  hook(DrainPhase.BEGIN);
  answer(true);
  expect(sent.length).toBe(2);
});

test('a leader that has not found every load balancer yet concludes nothing', () => {
  const { sent, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(false);
  expect(sent.map(update => update.state)).toEqual([DrainState.ACCEPTED]);
});

test('the load balancers that held a Pod are known to the end of its drain, and its agent waits as they need', () => {
  const { clock, knowledge, sent, answers, hook } = bench();
  const held = { ...PROGRESS, loadBalancerIds: ['lb-1'] };
  hook(DrainPhase.BEGIN);
  answers.answer(['p1'], () => held);
  answers.answer(['p1'], () => ({ ...PROGRESS, state: 'deregistered' }));
  expect([...answers.holdersOf('p1')]).toEqual(['lb-1']);
  expect(sent.map(update => update.settleMs)).toEqual([2_100, 2_100]);
  knowledge.expire(clock.now() + 60_000);
  answers.answer(['p1'], () => held);
  expect([...answers.holdersOf('p1')]).toEqual([]);
});

test('the moments of a drain are kept as they first came', async () => {
  const { clock, answers, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(false);
  await clock.advance(100);
  hook(DrainPhase.CONNECTIONS_ENDED);
  answer(false);
  await clock.advance(100);
  answer(true);
  hook(DrainPhase.ANSWERED);
  answer(true);
  expect(answers.recent()).toEqual([
    expect.objectContaining({ requestedAt: 0, connectionsEndedAt: 100, deregisteredAt: 200, answeredAt: 200 }),
  ]);
});
