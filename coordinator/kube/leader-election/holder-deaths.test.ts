import { beforeEach, expect, test } from 'vitest';
import type { Pod } from '../../../common/kube/objects.ts';
import { silentLogger } from '../../../common/logger.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { HolderDeaths } from './holder-deaths.ts';

const ENDED = { podName: 'coordinator-1', podUid: 'uid-1', incarnation: 'i1' };
const HOLDER = 'uid-1_i1';

let clock: VirtualClock;
let holder: string | undefined;
let pod: Pod | undefined | Error;
let asked: string[];
let proven: [string, number][];
let deaths: HolderDeaths;

beforeEach(() => {
  clock = new VirtualClock();
  holder = HOLDER;
  pod = podOn('node-1');
  asked = [];
  proven = [];
  deaths = new HolderDeaths({
    clock,
    log: silentLogger,
    holder: () => holder,
    findPod: async name => {
      asked.push(name);
      if (pod instanceof Error) throw pod;
      return pod;
    },
    onProven: (identity, at) => proven.push([identity, at]),
  });
});

function podOn(nodeName: string, uid = 'uid-1'): Pod {
  return { metadata: { name: 'coordinator-1', uid }, spec: { nodeName, containers: [] } };
}

test('the holder is dead when the agent of its node says so, and the API server is asked once', async () => {
  deaths.told('node-1', ENDED);
  deaths.told('node-1', ENDED);
  await clock.advance(0);
  deaths.told('node-1', ENDED);
  deaths.look();
  await clock.advance(0);
  expect(proven).toEqual([[HOLDER, clock.now()]]);
  expect(asked).toEqual(['coordinator-1']);
});

test('what was said before the lease was read counts once it is, from the moment at which it was said', async () => {
  holder = undefined;
  const saidAt = clock.now();
  deaths.told('node-1', ENDED);
  await clock.advance(500);
  expect(asked).toEqual([]);
  holder = HOLDER;
  deaths.look();
  await clock.advance(0);
  expect(proven).toEqual([[HOLDER, saidAt]]);
});

test('the end of anybody but the holder is not asked about', async () => {
  deaths.told('node-1', { ...ENDED, incarnation: 'i0' });
  deaths.look();
  await clock.advance(0);
  expect([asked, proven]).toEqual([[], []]);
});

test('an agent of another node proves nothing, is asked about once, and takes nothing from the word of the right one (L12)', async () => {
  for (const node of ['node-2', 'node-2']) deaths.told(node, ENDED);
  await clock.advance(0);
  deaths.look();
  await clock.advance(0);
  expect([asked.length, proven]).toEqual([1, []]);
  deaths.told('node-1', ENDED);
  await clock.advance(0);
  expect(proven.length).toBe(1);
});

test.each<[string, Pod | undefined]>([
  ['is gone', undefined],
  ['is another one of that name', podOn('node-1', 'uid-2')],
])('of a holder whose Pod %s nothing is proven', async (_, found) => {
  pod = found;
  deaths.told('node-1', ENDED);
  await clock.advance(0);
  expect(proven).toEqual([]);
});

test('when the API server does not answer, it is asked again at the next look', async () => {
  pod = new Error('no answer');
  deaths.told('node-1', ENDED);
  await clock.advance(0);
  expect(proven).toEqual([]);
  pod = podOn('node-1');
  deaths.look();
  await clock.advance(0);
  expect(proven.length).toBe(1);
});

test('of very many words the latest are kept', async () => {
  holder = undefined;
  for (let count = 1; count <= 100; count += 1) deaths.told('node-1', { ...ENDED, incarnation: `i${count}` });
  for (const identity of ['uid-1_i1', 'uid-1_i100']) {
    holder = identity;
    deaths.look();
  }
  await clock.advance(0);
  expect(proven.map(([identity]) => identity)).toEqual(['uid-1_i100']);
});
