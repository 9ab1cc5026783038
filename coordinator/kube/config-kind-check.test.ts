import { afterEach, beforeEach, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { KubeConnectionError, type KubeResponse } from '../../common/kube/transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { checkConfigKind } from './config-kind-check.ts';

const REPLICA = { apiVersion: 'v1', kind: 'Pod', namespace: 'clb-direct', name: 'coordinator-1', uid: 'pod-uid' };

let clock: VirtualClock;
let logger: CollectingLogger;
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  logger = new CollectingLogger();
  stop = new AbortController();
});

afterEach(() => stop.abort());

/** @returns the Events that are written when the CRD is answered so */
async function eventsAfter(answer: () => KubeResponse): Promise<readonly unknown[]> {
  const transport = new ScriptedTransport(({ method }) => (method === 'GET' ? answer() : { status: 201, body: {} }));
  void checkConfigKind({ transport, clock, random: seededRandom(1), logger, replica: REPLICA }, stop.signal);
  await clock.advance(1_000);
  return transport.requests.flatMap(({ method, body }) => (method === 'POST' ? [body] : []));
}

const serving = (name: string) => () => ({ status: 200, body: { spec: { versions: [{ name, served: true }] } } });

test('a kind that fits is no news', async () => {
  expect(await eventsAfter(serving('v1alpha1'))).toEqual([]);
  expect(logger.messages('warn')).toEqual([]);
});

test('one that does not is told by an Event on the replica, with what it lacks and what to do', async () => {
  expect(await eventsAfter(serving('v1'))).toEqual([
    expect.objectContaining({
      involvedObject: expect.objectContaining({ name: 'coordinator-1' }),
      reason: 'ConfigKindUnfit',
      message: expect.stringMatching(/^CD3007.*does not serve version v1alpha1 \(it serves v1\).*Update it/),
    }),
  ]);
  expect(logger.messages('warn')).toEqual(['TkeServiceConfigs cannot hold all settings']);
});

test('a cluster without the kind is well', async () => {
  expect(await eventsAfter(() => ({ status: 404, body: {} }))).toEqual([]);
  expect(logger.messages('warn')).toEqual([]);
});

test.each<[string, () => KubeResponse]>([
  ['a refusal', () => ({ status: 403, body: {} })],
  [
    'a server that is not there',
    () => {
      throw new KubeConnectionError('refused');
    },
  ],
])('%s is logged, and nothing else', async (_, answer) => {
  expect(await eventsAfter(answer)).toEqual([]);
  expect(logger.messages('warn')).toEqual(['the CustomResourceDefinition of TkeServiceConfigs could not be read']);
});
