import { beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { CoordinatorWitness } from './coordinator-witness.ts';

const WELCOME = { coordinator: 'coordinator-1', podUid: 'uid-1', incarnation: 'i1' };
const ENDED = { podName: 'coordinator-1', podUid: 'uid-1', incarnation: 'i1' };

let running: readonly string[] | Error;
let told: number;
let witness: CoordinatorWitness;

beforeEach(() => {
  running = ['c1'];
  told = 0;
  witness = new CoordinatorWitness({
    runtime: {
      runningContainers: async () => {
        if (running instanceof Error) throw running;
        return running;
      },
    },
    log: silentLogger,
    onEnded: () => {
      told += 1;
    },
  });
});

function exit(containerId: string, isLate = false) {
  witness.exited({ podUid: 'uid-1', containerName: 'coordinator', containerId, isLate });
}

test('the exit of the container in which a coordinator spoke proves its end, once', async () => {
  await witness.welcomed(WELCOME);
  expect(witness.ended).toEqual([]);
  exit('c1');
  exit('c1');
  expect([witness.ended, told]).toEqual([[ENDED], 1]);
});

test('an exit that is heard while the runtime is still being asked counts', async () => {
  const asked = witness.welcomed(WELCOME);
  exit('c1');
  await asked;
  expect(witness.ended).toEqual([ENDED]);
});

test.each<[string, () => void]>([
  ['of another container', () => exit('c2')],
  ['that had happened while nobody listened', () => exit('c1', true)],
])('an exit %s proves nothing', async (_, happen) => {
  await witness.welcomed(WELCOME);
  happen();
  expect(witness.ended).toEqual([]);
});

test.each<[string, readonly string[] | Error]>([
  ['runs elsewhere', []],
  ['is not alone in its Pod', ['c1', 'proxy']],
  ['cannot be asked for', new Error('the runtime does not answer')],
])('a coordinator whose container %s is not witnessed', async (_, containers) => {
  running = containers;
  await witness.welcomed(WELCOME);
  exit('c1');
  expect(witness.ended).toEqual([]);
});

test('of very many restarts the latest are remembered', async () => {
  for (let count = 1; count <= 100; count += 1) {
    running = [`c${count}`];
    await witness.welcomed({ ...WELCOME, incarnation: `i${count}` });
    exit(`c${count}`);
  }
  expect([witness.ended.length, witness.ended.at(-1)?.incarnation]).toEqual([16, 'i100']);
});
