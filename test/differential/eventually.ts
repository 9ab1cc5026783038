import { sleep } from '../../common/clock.ts';
import type { Side } from './side.ts';

const pauseMs = 50;
const triesMax = 200;

/** What `attempt` gives once `isDone` says so, and what it gave at the end when it never does. */
export async function eventually<Value>(
  { clock }: Pick<Side, 'clock'>,
  attempt: () => Promise<Value>,
  isDone: (value: Value) => boolean,
): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    const value = await attempt();
    if (isDone(value) || tries === triesMax) return value;
    await sleep(clock, pauseMs, new AbortController().signal);
  }
}
