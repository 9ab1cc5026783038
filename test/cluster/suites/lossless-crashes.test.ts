import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numberTable } from '../../../bench/number-table.ts';
import { sleep, systemClock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { killContainer } from '../container-fault.ts';
import { openCluster } from '../harness.ts';
import { helmApply } from '../product/chart.ts';
import { type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { httpTargetPort, sessionPods } from '../sessions/session-workload.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'crashes';
const timeoutMs = 180_000;
/** CLB's forwarders follow a write within 2 s; what was sent before takes a moment to break. */
const followMs = 2_200;
/** Requests that are held for 4 s begin before the crash that ends them. */
const underWayMs = 5_000;

const faults = [
  ['kill -9', killContainer],
  ['out of memory', (_, pod) => ask(pod, '/eat')],
  ['liveness restart', (_, pod) => ask(pod, '/ill')],
] as const satisfies readonly (readonly [string, (_: typeof cluster, pod: Pod) => Promise<void>])[];

/** With the product as it is installed, and without hooks, gates and the exits that containerd tells. */
const ways = ['with', 'without'] as const;
type Way = (typeof ways)[number];

interface Crash {
  readonly fault: string;
  readonly way: Way;
  readonly report: LoadReport;
  /** Wall milliseconds. */
  readonly exitedAtMs: number;
  readonly exitCode: number | undefined;
  readonly startedAtMs: number;
  readonly weightZeroAtMs: number | undefined;
  readonly openedAtMs: number | undefined;
}

let stage: InstalledStage;
const virtualAddresses = new Map<Way, string>();
const crashes: Crash[] = [];

/** It may end before it answers. */
async function ask({ status }: Pod, path: string): Promise<void> {
  await fetch(`http://${status?.podIP}:${httpTargetPort}${path}`).catch(() => undefined);
}

async function podsOf(way: Way): Promise<readonly Pod[]> {
  return (await stage.pods(namespace)).filter(({ metadata }) => metadata.labels?.app === way);
}

async function isReadyAgain({ metadata }: Pod, restarts: number): Promise<boolean> {
  const now = (await stage.pods(namespace)).find(({ metadata: { uid } }) => uid === metadata.uid);
  return now?.status?.containerStatuses?.every(({ ready, restartCount }) => ready && restartCount >= restarts) ?? false;
}

/** Lets it happen to a Pod that it has not happened to before, and waits until that Pod serves again. */
async function crash(fault: (typeof faults)[number], way: Way): Promise<Crash> {
  const place = faults.findIndex(([name]) => name === fault[0]);
  const pod = (await podsOf(way)).toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))[place];
  if (pod === undefined) throw new Error(`no Pod for ${fault[0]}`);
  const beganAtMs = clock.wallNow();
  const podIp = pod.status?.podIP;
  const weights = () =>
    stage.product
      .journal()
      .flatMap(record => (record.kind === 'change' && record.at >= beganAtMs ? [record] : []))
      .flatMap(({ at, changes }) => changes.map(change => ({ at, change })))
      .flatMap(({ at, change }) =>
        'address' in change && change.address === podIp && change.port === httpTargetPort
          ? [{ at, weight: change.weight }]
          : [],
      );
  const containers = () => cluster.containerMoments().filter(({ podUid }) => podUid === pod.metadata.uid);
  const earlier = containers().length;
  const report = await stage.load(virtualAddresses.get(way) ?? '', async () => {
    await fault[1](cluster, pod);
    await waitUntil(
      clock,
      'its container to be started again',
      60_000,
      () => containers().at(-1)?.startedAtMs !== undefined && containers().length > earlier,
    );
    // Without runtime events, a container that is ready again sooner than CLB can be told of its end is never closed.
    const isOpen = () => (weights().at(-1)?.weight ?? 1) > 0;
    await waitUntil(clock, 'it to be open again', 60_000, async () => (await isReadyAgain(pod, earlier)) && isOpen());
    await sleep(clock, followMs, new AbortController().signal);
  });
  const [ended, next] = containers().slice(earlier - 1);
  return {
    ...{ fault: fault[0], way, report },
    exitedAtMs: ended?.exitedAtMs ?? Number.NaN,
    exitCode: ended?.exitCode,
    startedAtMs: next?.startedAtMs ?? Number.NaN,
    weightZeroAtMs: weights().find(({ weight }) => weight === 0)?.at,
    openedAtMs: weights().findLast(({ weight }) => weight > 0)?.at,
  };
}

function crashTable(): string {
  const head = [
    'what',
    'product',
    'exit code',
    'sent',
    'lost',
    'first (s)',
    'last (s)',
    'weight 0 (s)',
    'started (s)',
    'open (s)',
  ];
  const rows = crashes.map(({ fault, way, exitCode, exitedAtMs, startedAtMs, report, weightZeroAtMs, openedAtMs }) => {
    const after = (atMs = Number.NaN) => (Number.isFinite(atMs) ? ((atMs - exitedAtMs) / 1_000).toFixed(3) : '–');
    const lostAt = report.losses.map(loss => loss.lostAt);
    const [first, last] = lostAt.length === 0 ? [] : [Math.min(...lostAt), Math.max(...lostAt)];
    return [
      ...[fault, `${way} drain and runtime events`, String(exitCode), String(report.sent), String(report.lostTotal)],
      ...[first, last, weightZeroAtMs, startedAtMs, openedAtMs].map(after),
    ];
  });
  return numberTable([head, ...rows]);
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
  await stage.makeNamespace(namespace);
  const { container, ...pods } = sessionPods();
  // Who is slow is not ill.
  const patience = { periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 10 };
  const livenessProbe = { httpGet: { port: httpTargetPort, path: '/alive' }, ...patience };
  const mortal = { ...container, livenessProbe, resources: { limits: { memory: '300Mi' } } };
  for (const way of ways) {
    const annotations = { 'clb-direct.io/inject': way === 'with' ? 'true' : 'false' };
    virtualAddresses.set(way, await stage.deploy(namespace, { name: way, ...pods, container: mortal, annotations }));
  }
}, 240_000);

afterAll(async () => {
  process.stdout.write(`\nseconds after the exit of the container\n${crashTable()}\n`);
  await stage?.end();
}, 240_000);

describe.each(ways)('%s drain and runtime events', way => {
  beforeAll(async () => {
    if (way === 'without') await helmApply(cluster, 'upgrade', ['agent.runtimeEvents.enabled=false']);
  }, 120_000);

  test.each(faults)(
    '%s of a container costs what was sent to it until CLB followed',
    async (...fault) => {
      const found = await crash(fault, way);
      crashes.push(found);
      const { exitedAtMs, startedAtMs, weightZeroAtMs, report } = found;
      if (way === 'with') expect(weightZeroAtMs).toBeDefined();
      const closedAtMs = weightZeroAtMs ?? startedAtMs;
      const outside = report.losses.filter(
        ({ startedAt, lostAt }) =>
          lostAt < exitedAtMs - underWayMs || startedAt > Math.max(exitedAtMs, closedAtMs) + followMs,
      );
      expect(outside).toEqual([]);
    },
    timeoutMs,
  );
});
