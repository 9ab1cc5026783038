import { expect, test } from 'vitest';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { NodeInstances } from './node-instances.ts';

async function ask(answers: readonly { status: number; body: unknown }[]) {
  const clock = new VirtualClock();
  const found: string[] = [];
  const errors: string[] = [];
  let asked = 0;
  const transport: KubeTransport = {
    request: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? { status: 404, body: {} };
      asked += 1;
      return answer;
    },
    watch: () => {
      throw new Error('nothing is watched');
    },
  };
  const instances = new NodeInstances({
    transport,
    clock,
    random: seededRandom(1),
    onInstance: (node, instanceId) => found.push(`${node} is ${instanceId}`),
    onError: (node, error) => errors.push(`${node}: ${error instanceof Error ? error.message : error}`),
  });
  const stop = new AbortController();
  const running = instances.run(stop.signal);
  instances.ask('n1');
  await clock.advance(60_000);
  stop.abort();
  await clock.advance(1_000);
  await running;
  return { found, errors, asked };
}

const named = (providerID?: string) => ({ status: 200, body: { spec: { providerID } } });

test('a node is the instance that its provider id names', async () => {
  expect((await ask([named('qcloud:///100003/ins-abc123')])).found).toEqual(['n1 is ins-abc123']);
});

test('a node that the cloud has not named yet is asked for again until it is', async () => {
  const { found, errors } = await ask([named(), named('kind://docker/x'), named('qcloud:///100003/ins-1')]);
  expect(found).toEqual(['n1 is ins-1']);
  expect(errors).toEqual(Array(2).fill('n1: node n1 has no provider id of Tencent Cloud yet'));
});

test('a node that does not exist is not asked for again', async () => {
  const { found, asked } = await ask([{ status: 404, body: {} }]);
  expect(found).toEqual([]);
  expect(asked).toBe(1);
});
