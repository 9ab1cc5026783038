/**
 * Run by `hand-over.test.ts`: agents follow one another on a node while hooks are called all the time, by the means that
 * the first argument names, as often as the second one says, by as many callers as the third one says. Prints one line of JSON.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { sleep, systemClock } from '../../common/clock.ts';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { systemRandom } from '../../common/random.ts';
import { untilServingEnds } from '../drain/serving-end.ts';
import { noMetrics } from '../metrics.ts';
import { call, makeNetwork, meansFromArguments, POD, startAgent, TOKEN } from './namespace.fixture.ts';
import { RedirectKeeper } from './redirect-keeper.ts';

const HOLD_MS = 20;
const never = new AbortController().signal;
const clock = systemClock();
const means = meansFromArguments();
const [, count = '30', callers = '24'] = parseArgs({ allowPositionals: true }).positionals;

if (process.send) await callHooks(process.send.bind(process));
else await handOver();

/** The kubelet's part, in a process of its own. */
async function callHooks(send: (outcome: object) => void): Promise<void> {
  let [isEnded, calls] = [false, 0];
  const lost: Record<string, number> = {};
  process.once('message', () => {
    isEnded = true;
  });
  const caller = async () => {
    while (!isEnded) {
      const outcome = await call(means === 'off' ? { host: '127.0.0.1', path: `/v1/drain/${TOKEN}` } : { host: POD });
      calls += 1;
      if (outcome !== 200) lost[outcome] = (lost[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: Number(callers) }, caller));
  send({ calls, lost });
  process.disconnect();
}

async function handOver(): Promise<void> {
  makeNetwork();
  let current = await startKept(1);
  const load = fork(new URL(import.meta.url), process.argv.slice(2));
  const ended: Promise<void>[] = [];
  for (let stamp = 2; stamp < Number(count) + 2; stamp += 1) {
    await sleep(clock, 4 * HOLD_MS, never);
    const next = await startKept(stamp);
    ended.push(current.stop());
    // Agents that share a port deal the calls out among all that are there, which are two on a node.
    if (means === 'off') await ended.at(-1);
    current = next;
  }
  await Promise.all(ended);
  const outcome = once(load, 'message');
  load.send('end');
  const [{ calls, lost }] = (await outcome) as [{ calls: number; lost: object }];
  console.log(JSON.stringify({ handOvers: ended.length, calls, lost }));
  await current.stop();
}

/** Resolves when the rule leads to it. */
async function startKept(stamp: number): Promise<{ stop: () => Promise<void> }> {
  let held = 0;
  const agent = await startAgent(means, async () => {
    held += 1;
    await sleep(clock, HOLD_MS, never);
    held -= 1;
    return 'done';
  });
  const rest = new AbortController();
  const stopping = new AbortController();
  const keeper = new RedirectKeeper({
    clock,
    random: systemRandom(),
    log: new CollectingLogger(),
    metrics: noMetrics(),
    redirect: agent.redirect,
    self: { stamp, incarnation: `agent-${stamp}` },
    addresses: () => [POD],
  });
  keeper.coordinators(1);
  const kept = keeper.run(rest.signal);
  while (!keeper.isOwner) await sleep(clock, 5, never);
  return {
    stop: async () => {
      stopping.abort();
      await untilServingEnds(
        {
          clock,
          lookAtRedirect: () => keeper.lookBeforeStopping(),
          isSuperseded: () => keeper.isSuperseded,
          callsHeld: () => held,
          hookedPods: () => 1,
          isNodeEnding: () => false,
        },
        stopping.signal,
      );
      await agent.stop();
      rest.abort();
      await kept;
    },
  };
}
