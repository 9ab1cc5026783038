import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { POD_ANSWER_HOLDS_MS, type PodAnswer, PodConfirmer, type PodQuestion } from './pod-confirmer.ts';
import { podProfile } from './pod-profile.ts';

const question: PodQuestion = { podUid: 'u1', namespace: 'default', name: 'web-0' };

let clock: VirtualClock;
let transport: ScriptedTransport;
let answers: PodAnswer[];
let errors: unknown[];
let confirmer: PodConfirmer;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => ({ status: 200, body: pod() }));
  answers = [];
  errors = [];
  confirmer = new PodConfirmer({
    names: DEFAULT_INSTANCE,
    transport,
    clock,
    random: seededRandom(1),
    onAnswer: (_question, answer) => answers.push(answer),
    onError: (_question, error) => errors.push(error),
  });
  abort = new AbortController();
  running = confirmer.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

it('answers with what a consistent GET says', async () => {
  confirmer.ask(question);
  await clock.advance(0);
  expect(transport.requests).toEqual([{ method: 'GET', path: '/api/v1/namespaces/default/pods/web-0' }]);
  expect(answers).toEqual([
    {
      type: 'found',
      uid: 'u2',
      nodeName: 'node1',
      addresses: ['10.0.0.1', 'fd00::1'],
      labels: { app: 'web' },
      annotations: { 'example.com/team': 'shop' },
      phase: 'Running',
      isDeleting: true,
      profile: podProfile(pod() as Pod),
    },
  ]);
});

it('answers that a Pod is missing only on 404', async () => {
  transport.answer = () => ({ status: transport.requests.length === 1 ? 500 : 404, body: {} });
  confirmer.ask(question);
  await clock.advance(1_000);
  expect(answers).toEqual([{ type: 'missing' }]);
  expect(errors).toHaveLength(1);
});

it('answers once for questions that come together, and again when the answer is old', async () => {
  confirmer.ask(question);
  confirmer.ask(question);
  await clock.advance(POD_ANSWER_HOLDS_MS - 1);
  confirmer.ask(question);
  await clock.advance(0);
  expect(answers).toHaveLength(1);
  await clock.advance(1);
  confirmer.ask(question);
  await clock.advance(0);
  expect(answers).toHaveLength(2);
});

it('reads at most 50 Pods at a time', async () => {
  transport.answer = () => new Promise(() => undefined);
  for (let index = 0; index < 80; index++) confirmer.ask({ ...question, podUid: `u${index}` });
  await clock.advance(0);
  expect(transport.requests).toHaveLength(50);
});

it('says nothing of a server that hangs, and asks again', async () => {
  transport.answer = () => new Promise(() => undefined);
  confirmer.ask(question);
  await clock.advance(5_000);
  expect(transport.requests.length).toBeGreaterThan(1);
  expect(answers).toEqual([]);
});

function pod(): object {
  return {
    metadata: {
      name: 'web-0',
      namespace: 'default',
      uid: 'u2',
      labels: { app: 'web' },
      annotations: { 'example.com/team': 'shop' },
      deletionTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { nodeName: 'node1', containers: [] },
    status: { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
  };
}
