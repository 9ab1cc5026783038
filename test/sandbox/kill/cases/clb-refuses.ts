import { sleep } from '../../../../common/clock.ts';
import { rollOut } from '../deeds.ts';
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
    const { clock, progress, sandbox } = stage;
    const before = (await appPods(stage)).map(({ metadata }) => metadata.name);
    const missing = await rollOut(stage, signal);
    await untilSomePodDrains(stage, before, signal);
    const faults = `${sandbox.clb.control}/faults`;
    const fault = { action: '*', kind: 'error', code: 'InternalError', message: 'refused by the test' };
    const { status } = await fetch(faults, { method: 'POST', body: JSON.stringify(fault), signal });
    if (status !== 200) throw new Error(`${faults} answered ${status}`);
    progress.say('CLB refuses everything');
    await sleep(clock, REFUSING_MS, signal);
    await fetch(faults, { method: 'DELETE', signal });
    const since = clock.now();
    progress.say('CLB takes calls again');
    await stage.recovered('the rolling update is over', since, missing);
  },
};
