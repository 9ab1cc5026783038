import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DrainPhase, DrainState, type DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { type DrainProgress, drainProgress } from '../core/drain-progress.ts';
import { podRecord } from '../core/pod.fixture.ts';
import { Knowledge } from '../knowledge.ts';
import { DrainAnswers } from './drain-answers.ts';

const PROGRESS: DrainProgress = {
  podUid: 'p1',
  node: 'n1',
  state: 'weight-zero',
  targetPorts: [],
  virtualAddresses: [],
  isPaused: false,
  loadBalancerIds: [],
};

function bench() {
  const clock = new VirtualClock();
  const knowledge = new Knowledge();
  const sent: DrainUpdate[] = [];
  const finished: number[] = [];
  const left: unknown[] = [];
  const answers = new DrainAnswers({
    knowledge,
    clock,
    settleMs: ids => 2_000 + 100 * [...ids].length,
    ports: { sendDrainUpdate: (_node, update) => sent.push(update) },
    observer: { drainFinished: durationMs => finished.push(durationMs), podLeft: stages => left.push(stages) },
  });
  const hook = (phase: DrainPhase) => {
    const request = { podUid: 'p1', phase, budgetMs: 30_000 };
    knowledge.applyReport({ type: 'drain', node: 'n1', session: 's', request }, clock.now());
  };
  /** As a leader that has found every load balancer, or has not; none holds the Pod. */
  const answer = (complete: boolean) => answers.answer(['p1'], drain => drainProgress(drain, [], complete));
  return { clock, knowledge, sent, finished, left, answers, answer, hook };
}

test('an agent hears of a Pod that no load balancer holds at once, and once', () => {
  const { sent, finished, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(true);
  answer(true);
  expect(sent.map(update => update.state)).toEqual([DrainState.DEREGISTERED]);
  expect(finished).toEqual([0]);
});

test('an agent is told that what holds the Pod is paused, and that is no drain that was finished', () => {
  const { sent, finished, answers, hook } = bench();
  hook(DrainPhase.BEGIN);
  answers.answer(['p1'], () => ({ ...PROGRESS, state: 'deregistered', isPaused: true }));
  expect(sent).toMatchObject([{ state: DrainState.DEREGISTERED, paused: true }]);
  expect(finished).toEqual([]);
  expect(answers.recent()[0]).not.toHaveProperty('deregisteredAt');
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

/** The Pod runs on node n1, and the API server has its deletion. */
function reportDeleted(knowledge: Knowledge, now: number): void {
  const agent = { agentPodUid: 'a1', agentPodName: 'agent-1', epoch: 'e1', agentVersion: '', startedAtMs: 0 };
  knowledge.applyReport({ type: 'opened', node: 'n1', session: 's', ...agent }, now);
  const pod = podRecord({ uid: 'p1', deletion: { seenAtMs: 1, gracePeriodSeconds: 30 } });
  knowledge.applyReport(
    { type: 'snapshot', node: 'n1', session: 's', epoch: 'e1', pods: [pod], consistent: true },
    now,
  );
}

test('the way out of a deleted Pod is told when its hook is answered, with what each stage added', async () => {
  const { clock, knowledge, left, answers, hook } = bench();
  const held = { ...PROGRESS, loadBalancerIds: ['lb-1'] };
  reportDeleted(knowledge, clock.now());
  await clock.advance(30);
  hook(DrainPhase.BEGIN);
  await clock.advance(300);
  answers.answer(['p1'], () => held);
  await clock.advance(4_000);
  hook(DrainPhase.CONNECTIONS_ENDED);
  answers.answer(['p1'], () => held);
  await clock.advance(250);
  answers.answer(['p1'], () => ({ ...PROGRESS, state: 'deregistered' }));
  await clock.advance(5);
  hook(DrainPhase.ANSWERED);
  answers.answer(['p1'], () => held);
  answers.answer(['p1'], () => held);
  expect(left).toEqual([
    [
      { stage: 'hook', durationMs: 30 },
      { stage: 'weight-zero', durationMs: 300 },
      { stage: 'connections-ended', durationMs: 4_000 },
      { stage: 'deregistered', durationMs: 250 },
      { stage: 'answered', durationMs: 5 },
    ],
  ]);
});

test('an agent is told of the deletion of its Pod, also when it is heard of during the drain (L4)', async () => {
  const { clock, knowledge, sent, answer, hook } = bench();
  hook(DrainPhase.BEGIN);
  answer(false);
  await clock.advance(100);
  reportDeleted(knowledge, clock.now());
  answer(false);
  expect(sent.map(update => update.deletionGracePeriodSeconds)).toEqual([undefined, 30]);
});

test('neither a restart nor a Pod that no load balancer held has a way out', () => {
  const restart = bench();
  restart.hook(DrainPhase.BEGIN);
  restart.answers.answer(['p1'], () => ({ ...PROGRESS, loadBalancerIds: ['lb-1'] }));
  restart.hook(DrainPhase.ANSWERED);
  restart.answers.answer(['p1'], () => PROGRESS);
  const unbound = bench();
  reportDeleted(unbound.knowledge, 0);
  unbound.hook(DrainPhase.BEGIN);
  unbound.answer(true);
  unbound.hook(DrainPhase.ANSWERED);
  unbound.answer(true);
  expect([...restart.left, ...unbound.left]).toEqual([]);
});
