import { sleep } from '../../../../common/clock.ts';
import { refuseEverything, rollOut, takeCallsAgain } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods } from '../questions.ts';
import { untilSomePodDrains } from './drain-moments.ts';

const REFUSING_MS = 60_000;

export const clbRefuses: KillCase = {
  name: 'clb-refuses',
  fault: 'CLB refuses every call for 60 s in the middle of a rolling update',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock } = stage;
    const before = (await appPods(stage)).map(({ metadata }) => metadata.name);
    const missing = await rollOut(stage, signal);
    await untilSomePodDrains(stage, before, signal);
    await refuseEverything(stage, signal);
    await sleep(clock, REFUSING_MS, signal);
    await takeCallsAgain(stage, signal);
    const since = clock.now();
    await stage.recovered('the rolling update is over', since, missing);
  },
};
