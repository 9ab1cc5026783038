/** A change of a Deployment's Pods while clients send requests through the virtual address, and what came of both. */
import { type Clock, sleep } from '../../../common/clock.ts';
import { systemRandom } from '../../../common/random.ts';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import { type LoadOptions, runLoad } from '../../../sandbox/load/run-load.ts';
import { socketTransport } from '../../../sandbox/load/socket-transport.ts';
import { type LoadReport, type Loss, TIMELINE_SLOT_MS } from '../../../sandbox/load/tally.ts';
import type { ContainerMoments } from '../container-moments.ts';
import type { Cluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';
import type { LoadBalancers } from './load-balancers.ts';
import { clientAddressPrefix } from './names.ts';
import { type PodMoments, podMoments } from './pod-moments.ts';

export interface ServingPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface ChangeUnderLoad {
  readonly virtualAddress: string;
  /** Of the Pods behind it. */
  readonly selector: string;
  /** Last numbers of the clients' addresses, from and to; no other run has them, so its requests can be told apart. */
  readonly clients: readonly [from: number, to: number];
  /** After so many requests, one in half a second, clients give up a kept connection; 0: never. */
  readonly keepAliveRequests: number;
  /** What the Pods have as drain budget. */
  readonly drainSeconds: number;
  change(): Promise<unknown>;
}

export interface ChangeOutcome {
  readonly report: LoadReport;
  /** The Pods that the change took away. */
  readonly gone: readonly PodMoments[];
  /** Share of the requests that began while some target was at weight 0 and its container still ran. */
  readonly shareWhileDraining: number;
  /** Whole answers by the Pods' own logs, short requests of this run's clients only. */
  readonly loggedByPod: Readonly<Record<string, number>>;
}

type LoadBalancerView = Pick<LoadBalancers, 'journal' | 'control'>;

const ratePerSecond = 100;
const keepAliveClients = 12;
const longClients = 6;
const warmUpMs = 2_000;
const afterMs = 1_000;
const changeTimeoutMs = 180_000;
const durationMaxMs = 600_000;
const toleranceMs = 500;

export async function changeUnderLoad(
  { clock, cluster, product }: { readonly clock: Clock; readonly cluster: Cluster; readonly product: LoadBalancerView },
  options: ChangeUnderLoad,
): Promise<ChangeOutcome> {
  const before = await servingPods(cluster, options.selector);
  const forwarders = await forwarderCount(product);
  const stop = new AbortController();
  let gone: readonly PodMoments[] = [];
  const load = runLoad(
    loadOptions(clock, options, loss => isEndedByApplication(loss, gone, options)),
    stop.signal,
  );
  try {
    await pause(clock, warmUpMs);
    await options.change();
    const left = await waitUntil(clock, 'the Pods to go', changeTimeoutMs, async () => {
      const now = (await servingPods(cluster, options.selector)).map(({ metadata }) => metadata);
      const missing = before.filter(({ metadata }) => !now.some(({ uid }) => uid === metadata.uid));
      return missing.length > 0 && now.every(({ deletionTimestamp }) => deletionTimestamp === undefined) && missing;
    });
    // Once: reading the logs of all nodes takes the load's time.
    const containers = cluster.containerMoments();
    gone = await waitUntil(clock, 'the forwarders to let the Pods go', changeTimeoutMs, () => {
      const pods = momentsOf(left, containers, product.journal());
      return pods.every(({ forwardersFollowed }) => forwardersFollowed === forwarders) && pods;
    });
    await pause(clock, afterMs);
  } finally {
    stop.abort();
    await load.catch(() => undefined);
  }
  const report = await load;
  const share = shareWhileDraining(report, gone);
  return { report, gone, shareWhileDraining: share, loggedByPod: loggedByPod(cluster, options, report.startedAt) };
}

export async function servingPods(cluster: Cluster, selector: string): Promise<ServingPod[]> {
  return (await cluster.get<{ items: ServingPod[] }>(['pods', `--selector=${selector}`])).items;
}

function loadOptions(
  clock: Clock,
  options: ChangeUnderLoad,
  isEndedByApplication: (loss: Loss) => boolean,
): LoadOptions {
  const { virtualAddress, keepAliveRequests } = options;
  const [from, to] = options.clients;
  return {
    transport: socketTransport({ host: virtualAddress, port: 80 }),
    clock,
    random: systemRandom(),
    path: '/',
    rate: ratePerSecond,
    durationMs: durationMaxMs,
    clientAddresses: Array.from({ length: to - from + 1 }, (_, index) => `${clientAddressPrefix}${from + index}`),
    keepAliveClients,
    keepAliveGapMaxMs: 1_000,
    keepAliveRequests,
    longClients,
    longPath: '/slow',
    timeoutMs: 10_000,
    longTimeoutMs: 30_000,
    inFlightMax: 5_000,
    isEndedByApplication,
  };
}

/** A kept connection that was still in use when its Pod's budget was over, hit by nginx's end. */
function isEndedByApplication(loss: Loss, pods: readonly PodMoments[], { drainSeconds }: ChangeUnderLoad): boolean {
  const budgetMs = drainSeconds * 1_000 - toleranceMs;
  return pods.some(({ pod, preStopAtMs, preStopEndedAtMs, terminatedAtMs, exitedAtMs }) => {
    if (!preStopAtMs || !preStopEndedAtMs || !terminatedAtMs || !exitedAtMs) return false;
    const usedUp = preStopEndedAtMs - preStopAtMs >= budgetMs;
    const atItsEnd = loss.lostAt >= terminatedAtMs - 1 && loss.lostAt <= exitedAtMs + toleranceMs;
    return loss.kind === 'keepAlive' && loss.pod === pod && usedUp && atItsEnd;
  });
}

function momentsOf(
  pods: readonly ServingPod[],
  containers: readonly ContainerMoments[],
  journal: readonly NumberedRecord[],
): PodMoments[] {
  return pods.map(({ metadata, status }) => {
    const container = containers.find(({ podUid }) => podUid === metadata.uid);
    if (container === undefined) throw new Error(`no node knows a container of ${metadata.name}`);
    return podMoments(container, status.podIP, journal);
  });
}

function shareWhileDraining({ timeline, startedAt, sent }: LoadReport, pods: readonly PodMoments[]): number {
  const isDraining = (atMs: number) =>
    pods.some(({ weightZeroAtMs = Infinity, exitedAtMs = Infinity }) => weightZeroAtMs <= atMs && atMs < exitedAtMs);
  const while_ = timeline.filter((_, index) => isDraining(startedAt + index * TIMELINE_SLOT_MS));
  return while_.reduce((sum, slot) => sum + slot.sent, 0) / Math.max(1, sent);
}

function loggedByPod(
  cluster: Cluster,
  { clients: [from, to] }: ChangeUnderLoad,
  startedAtMs: number,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { atSeconds, pod, client, path, status, completion } of cluster.loggedRequests()) {
    if (atSeconds * 1_000 < startedAtMs) continue;
    const number = client.startsWith(clientAddressPrefix) ? Number(client.slice(clientAddressPrefix.length)) : 0;
    if (number < from || number > to || path !== '/' || status !== 200 || completion !== 'OK') continue;
    counts[pod] = (counts[pod] ?? 0) + 1;
  }
  return counts;
}

async function forwarderCount(product: LoadBalancerView): Promise<number> {
  const { forwarding } = (await product.control('settings')) as { forwarding: { forwarders: number } };
  return forwarding.forwarders;
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return sleep(clock, delayMs, new AbortController().signal);
}
