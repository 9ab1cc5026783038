import { expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../../sandbox/cluster/low-ports.ts';
import { Progress } from '../../../sandbox/demo/progress.ts';
import { agentKilled } from './cases/agent-killed.ts';
import { playCase } from './play-case.ts';

const LIMIT_MS = 180_000;

test('a drain outlives the death of its agent: no new connection and no request under way is lost, and the Pod is replaced', {
  timeout: LIMIT_MS,
}, async context => {
  if (!(await mayListenOnLowPorts())) context.skip(LOW_PORTS_ADVICE);
  const clock = systemClock();
  const options = { clock, progress: new Progress(clock, () => undefined), keepFolder: false };
  const { problems, recoveries } = await playCase(agentKilled, options, context.signal);
  expect(problems).toEqual([]);
  expect(recoveries.map(({ what }) => what)).toEqual(['the Pod is replaced']);
});
