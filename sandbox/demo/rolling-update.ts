import { sleep } from '../../common/clock.ts';
import { STRATEGIC_MERGE_PATCH } from '../kube/kube-client.ts';
import type { KubeletRecord } from '../kube/kubelet/kubelet-record.ts';
import { collectionPath } from '../kube/resource-path.ts';
import { ClusterReader } from './cluster-reader.ts';
import type { DemoOptions } from './install.ts';
import { LoadProcess } from './load-process.ts';
import { momentsOf } from './moments.ts';
import { podCounts } from './pod-counts.ts';
import type { SideResult } from './verdict.ts';
import { SIDES, type Side } from './workloads.ts';

export interface LoadShape {
  /** Requests per second, each on a connection of its own. */
  readonly rate: number;
  /** Clients that keep their connection and send about two requests a second. */
  readonly keepAliveClients: number;
  /** Clients that send one request of `longSeconds` after another. */
  readonly longClients: number;
  readonly longSeconds: number;
  /** Of each side's short requests, before the load may end. */
  readonly shortRequestsMin: number;
}

const WARM_UP_MS = 2_000;
const ROLLOUT_LIMIT_MS = 150_000;
/** CLB's forwarders follow within 2 s; their records are waited for. */
const FOLLOW_UP_MS = 2_500;

/** Rolls both sides at the same moment under the same load. */
export async function rollBoth(
  options: DemoOptions,
  shape: LoadShape,
  signal: AbortSignal,
): Promise<Record<Side, SideResult>> {
  const { sandbox, clock, progress } = options;
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  await using loads = new AsyncDisposableStack();
  const sides = await Promise.all(SIDES.map(side => loadedSide(options, { side, shape, reader, loads })));
  progress.say(loadText(shape));
  await sleep(clock, WARM_UP_MS, signal);
  progress.say(`$ kubectl rollout restart deployment ${SIDES.join(' ')}`);
  await Promise.all(sides.map(({ side }) => restart(options, side, signal)));
  const old = sides.flatMap(({ oldPods }) => [...oldPods]);
  const missing = async () => {
    // What is under way at the last drain ends with it, and not 15 s later.
    if (sandbox.records.filter(isEnding(new Set(old))).length >= old.length)
      for (const { long } of sides) long.finish();
    const parts = await Promise.all(sides.map(({ side, oldPods }) => reader.missingRollout(side, oldPods)));
    const lacking = parts.filter(part => part !== undefined);
    return lacking.length === 0 ? undefined : `${lacking.join(', ')} (hooked side: ${sides[0]?.short.progress()})`;
  };
  await progress.until('both rolling updates are over', { limitMs: ROLLOUT_LIMIT_MS, missing }, signal);
  await awaitRequests(options, { sides, shape }, signal);
  for (const { short, long } of sides) for (const load of [short, long]) load.finish();
  await sleep(clock, FOLLOW_UP_MS, signal);
  const results = await Promise.all(sides.map(side => resultOf(options, { ...side, reader }, signal)));
  return Object.fromEntries(sides.map(({ side }, index) => [side, results[index]])) as Record<Side, SideResult>;
}

interface LoadedSide {
  readonly side: Side;
  readonly oldPods: ReadonlySet<string>;
  readonly short: LoadProcess;
  readonly long: LoadProcess;
}

async function loadedSide(
  { sandbox, clock }: DemoOptions,
  parts: { side: Side; shape: LoadShape; reader: ClusterReader; loads: AsyncDisposableStack },
): Promise<LoadedSide> {
  const { side, shape, reader, loads } = parts;
  const { folder, plan } = sandbox;
  const pods = await reader.pods(`app=${side}`);
  const url = `http://${await reader.externalIp(side)}/`;
  const clients = ['--clients=8', `--client-prefix=${plan.clientPrefix}.`];
  const start = (name: string, flags: readonly string[]) =>
    loads.use(new LoadProcess({ clock, folder, name: `${side}-${name}`, url, flags: [...clients, ...flags] }));
  return {
    side,
    oldPods: new Set(pods.map(({ metadata }) => metadata.name)),
    short: start('short', [`--rate=${shape.rate}`, `--keep-alive-clients=${shape.keepAliveClients}`]),
    long: start('long', [
      '--rate=0',
      '--keep-alive-clients=0',
      `--long-clients=${shape.longClients}`,
      `--long-path=/hold?seconds=${shape.longSeconds}`,
    ]),
  };
}

/** As kubectl does it. */
async function restart({ sandbox, clock }: DemoOptions, side: Side, signal: AbortSignal): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clock.wallNow()).toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  const path = `${collectionPath('deployments', 'default')}/${side}`;
  await sandbox.client.patch(path, STRATEGIC_MERGE_PATCH, body, signal);
}

/** A first sign, one for each Pod, that its kubelet ends it. */
function isEnding(pods: ReadonlySet<string>): (record: KubeletRecord) => boolean {
  const seen = new Set<string>();
  return ({ podName, type }) => {
    const isNews = pods.has(podName) && (type === 'preStopBegan' || type === 'signalled') && !seen.has(podName);
    if (isNews) seen.add(podName);
    return isNews;
  };
}

async function awaitRequests(
  { progress }: DemoOptions,
  { sides, shape }: { sides: readonly LoadedSide[]; shape: LoadShape },
  signal: AbortSignal,
): Promise<void> {
  const sentBy = ({ short }: LoadedSide) => Number(/sent (\d+)/.exec(short.progress())?.[1] ?? 0);
  const missing = () => {
    const sent = Math.min(...sides.map(sentBy));
    return sent >= shape.shortRequestsMin ? undefined : `${sent} of ${shape.shortRequestsMin} sent`;
  };
  await progress.until('enough requests were sent', { limitMs: ROLLOUT_LIMIT_MS, missing }, signal);
}

async function resultOf(
  { sandbox }: DemoOptions,
  { side, oldPods, short, long, reader }: LoadedSide & { reader: ClusterReader },
  signal: AbortSignal,
): Promise<SideResult> {
  const loads = await Promise.all([short.report(), long.report()]);
  const journal = await sandbox.clb.journal(signal);
  const { records } = sandbox;
  const replaced = [...new Set(records.filter(isEnding(oldPods)).map(({ podName }) => podName))];
  const counts = await podCounts(sandbox, side, await reader.pods(`app=${side}`), signal);
  return { loads, counts, moments: replaced.map(podName => momentsOf(podName, records, journal)) };
}

function loadText({ rate, keepAliveClients, longClients, longSeconds }: LoadShape): string {
  const parts = [
    `${rate} requests/s on fresh connections`,
    `${keepAliveClients} clients on kept ones with gaps up to 1 s`,
    `${longClients} clients with requests of ${longSeconds} s`,
  ];
  return `load on each side: ${parts.join(', ')}`;
}
