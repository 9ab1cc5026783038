import { sleep } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { CallObservation, CloudLimits, TaskObservation } from './caller.ts';
import { clbCloud } from './clb-client.ts';
import { type ScriptedAnswer, type ScriptedCall, ScriptedTransport } from './scripted-transport.ts';
import { ClbApiError, type ClbTransport } from './transport.ts';
import type { NewBinding } from './types.ts';

export const never = new AbortController().signal;
export const SUCCEEDED = { Status: 0 };
export const RUNNING = { Status: 2 };

export function setUp(
  script: (call: ScriptedCall, index: number) => ScriptedAnswer,
  limits: Partial<CloudLimits> = {},
) {
  const clock = new VirtualClock();
  const transport = new ScriptedTransport(clock, script);
  const observations: CallObservation[] = [];
  const observe = (observation: CallObservation) => observations.push(observation);
  const tasks: TaskObservation[] = [];
  const observeTask = (observation: TaskObservation) => tasks.push(observation);
  const cloud = clbCloud({ transport, clock, random: seededRandom(1), observe, observeTask, limits });
  return { clock, transport, cloud, observations, tasks };
}

export const WIDE = { requestsPerSecond: 1000, burst: 1000 };

/** The same transport with answers that take a while, and how many were under way at a time. */
export function slowly(
  transport: ClbTransport,
  clock: VirtualClock,
  answerMs: number,
): ClbTransport & { atOnceMax: number } {
  let underWay = 0;
  const slow = {
    atOnceMax: 0,
    async call(action: string, parameters: object, signal: AbortSignal) {
      underWay += 1;
      slow.atOnceMax = Math.max(slow.atOnceMax, underWay);
      await sleep(clock, answerMs, signal);
      underWay -= 1;
      return transport.call(action, parameters, signal);
    },
  };
  return slow;
}

/** The result of `promise` once virtual time has gone far enough. */
export async function finish<T>(clock: VirtualClock, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  promise.then(mark, mark);
  await clock.advanceUntil(() => settled, limitMs);
  return promise;
}

export const apiError = (code: string, message = 'said CLB') => new ClbApiError('Action', code, message, 'request-9');

export function target(index: number, listenerId = 'lbl-1'): NewBinding {
  return { listenerId, locationId: '', address: `10.0.0.${index}`, port: 80, weight: 10, tag: `tag-${index}` };
}
