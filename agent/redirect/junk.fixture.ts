/**
 * Run by `junk.test.ts`: a drain server that calls are led to by the means which the first argument names. Another user of
 * the machine calls it as often as the second one says, in every way that is no hook, while a kubelet calls hooks. Prints
 * one line of JSON.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { sleep, systemClock } from '../../common/clock.ts';
import { call, makeNetwork, meansFromArguments, POD, ruleOf, startAgent, TOKEN } from './namespace.fixture.ts';

const NOBODY = 65_534;
const REAL_CALLS_INTERVAL_MS = 20;
const RSS_INTERVAL_MS = 100;
/** Of a connection that the kernel gave up, its caller does not hear unless it says something. */
const JUNK_TIMEOUT_MS = 5_000;
/** About as many as this machine can make, would it do nothing else. */
const BURST = 16;
const BURST_INTERVAL_MS = 10;
const OPEN_AT_ONCE_MAX = 2_000;
const MEBIBYTE = 1_048_576;
const clock = systemClock();
const never = new AbortController().signal;
const means = meansFromArguments();
const [, count = '', role = 'agent', port = ''] = parseArgs({ allowPositionals: true }).positionals;

async function runAgent(): Promise<void> {
  makeNetwork();
  const agent = await startAgent(means, async () => 'done');
  await agent.redirect.replace(ruleOf(1, POD), never);
  const kubelet = fork(new URL(import.meta.url), [means, count, 'kubelet']);
  await sleep(clock, 2_000, never);
  const quiet = await latencies(kubelet);
  const rssBefore = process.memoryUsage().rss;
  const junk = fork(new URL(import.meta.url), [means, count, 'junk', String(agent.port)], {
    uid: NOBODY,
    gid: NOBODY,
  });
  const ended = once(junk, 'message');
  const stopSampling = new AbortController();
  let rssMax = 0;
  const sampled = sampleRss(rss => {
    rssMax = Math.max(rssMax, rss);
  }, stopSampling.signal);
  const [{ answers }] = (await ended) as [{ answers: object }];
  const busy = await latencies(kubelet);
  stopSampling.abort();
  await sampled;
  kubelet.kill();
  await agent.stop();
  const refusals = Object.groupBy(agent.refusals, reason => reason);
  console.log(
    JSON.stringify({
      quiet,
      busy,
      rssGrowthMiB: Math.round((rssMax - rssBefore) / MEBIBYTE),
      answers,
      refusals: Object.fromEntries(Object.entries(refusals).map(([reason, all]) => [reason, all.length])),
    }),
  );
}

async function sampleRss(take: (rss: number) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    take(process.memoryUsage().rss);
    await sleep(clock, RSS_INTERVAL_MS, never);
  }
}

async function latencies(kubelet: ChildProcess): Promise<object> {
  const told = once(kubelet, 'message');
  kubelet.send('tell');
  return ((await told) as [object])[0];
}

/** Real hooks, one after the other; tells of those since it was asked last. */
async function callHooks(): Promise<void> {
  let taken: number[] = [];
  let failed: (number | string)[] = [];
  process.on('message', () => {
    taken.sort((a, b) => a - b);
    const [p50Ms, p99Ms] = [0.5, 0.99].map(share => Math.round(taken[Math.floor(taken.length * share)] ?? 0));
    process.send?.({ calls: taken.length, failed, p50Ms, p99Ms });
    [taken, failed] = [[], []];
  });
  const hook = means === 'off' ? { host: '127.0.0.1', path: `/v1/drain/${TOKEN}` } : { host: POD };
  for (;;) {
    const from = clock.now();
    const outcome = await call(hook);
    taken.push(clock.now() - from);
    if (outcome !== 200) failed.push(outcome);
    await sleep(clock, REAL_CALLS_INTERVAL_MS, never);
  }
}

/** What each of them sends; one that ends with an empty line waits for an answer, the others just stay. */
const JUNK: readonly string[] = [
  'GET /v1/drain HTTP/1.1\r\nHost: example.com\r\n\r\n',
  'GET /v1/drain HTTP/1.1\r\nHost: 10.44.0.5:19440\r\n\r\n',
  `GET /v1/drain/${TOKEN.slice(1)}x HTTP/1.1\r\nHost: 127.0.0.1:19440\r\n\r\n`,
  // The right token, from the wrong user.
  `GET /v1/drain/${TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:19440\r\n\r\n`,
  `GET /v1/drain HTTP/1.1\r\nHost: 127.0.0.1:19440\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`,
  `POST /v1/drain HTTP/1.1\r\nHost: 127.0.0.1:19440\r\nContent-Length: 1000000\r\n\r\n${'y'.repeat(65_536)}`,
  '\u0016\u0003\u0001\u0002 no HTTP at all\r\n\r\n',
  'GET /v1/drain HTTP/1.1\r\nHost: 127',
  '',
];

async function callForNothing(): Promise<void> {
  const answers: Record<string, number> = {};
  const open = new Set<Socket>();
  for (let made = 0; made < Number(count); made += 1) {
    while (open.size >= OPEN_AT_ONCE_MAX) await sleep(clock, 5, never);
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    open.add(socket);
    let answer = '';
    socket.on('data', data => {
      answer += data;
    });
    socket.on('error', () => {}).setTimeout(JUNK_TIMEOUT_MS, () => socket.destroy());
    socket.once('close', () => {
      open.delete(socket);
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none';
      answers[status] = (answers[status] ?? 0) + 1;
    });
    socket.write(JUNK[made % JUNK.length] ?? '');
    if (made % BURST === 0) await sleep(clock, BURST_INTERVAL_MS, never);
  }
  while (open.size > 0) await sleep(clock, 20, never);
  process.send?.({ answers });
  process.disconnect();
}

if (role === 'junk') await callForNothing();
else if (role === 'kubelet') await callHooks();
else await runAgent();
