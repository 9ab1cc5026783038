/** A change of a Deployment's Pods while clients send requests through the virtual address, and what came of both. */
import type { Clock } from '../../../common/clock.ts';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import { type LoadReport, type Loss, TIMELINE_SLOT_MS, withEndedByApplication } from '../../../sandbox/load/tally.ts';
import { requestsDuring } from '../clients/client-process.ts';
import type { Clients } from '../clients/requests.ts';
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

export interface ChangeUnderLoad extends Clients {
  /** Of the Pods behind it. */
  readonly selector: string;
  /** Of the Pods; default `default`. */
  readonly namespace?: string;
  /** On how many ports they are bound; default: 1. */
  readonly ports?: number;
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

const changeTimeoutMs = 180_000;
const toleranceMs = 500;

export async function changeUnderLoad(
  { clock, cluster, product }: { readonly clock: Clock; readonly cluster: Cluster; readonly product: LoadBalancerView },
  options: ChangeUnderLoad,
): Promise<ChangeOutcome> {
  const pods = () => servingPods(cluster, options.selector, options.namespace);
  const isStaying = ({ metadata }: ServingPod) => metadata.deletionTimestamp === undefined;
  const before = (await pods()).filter(isStaying);
  const forwarders = (await forwarderCount(product)) * (options.ports ?? 1);
  let gone: readonly PodMoments[] = [];
  const change = async () => {
    await options.change();
    const left = await waitUntil(clock, 'the Pods to go', changeTimeoutMs, async () => {
      const now = await pods();
      const missing = before.filter(pod => !now.some(({ metadata }) => metadata.uid === pod.metadata.uid));
      return missing.length > 0 && now.every(isStaying) && missing;
    });
    // Once: reading the logs of all nodes takes the load's time.
    const containers = cluster.containerMoments();
    gone = await waitUntil(clock, 'the forwarders to let the Pods go', changeTimeoutMs, () => {
      const moments = momentsOf(left, containers, product.journal());
      return moments.every(({ forwardersFollowed }) => forwardersFollowed === forwarders) && moments;
    });
  };
  const { change: _, ...requests } = options;
  const sent = await requestsDuring(clock, requests, change);
  const report = withEndedByApplication(sent, loss => isEndedByApplication(loss, gone, options));
  const share = shareWhileDraining(report, gone);
  return { report, gone, shareWhileDraining: share, loggedByPod: loggedByPod(cluster, options, report.startedAt) };
}

export async function servingPods(cluster: Cluster, selector: string, namespace = 'default'): Promise<ServingPod[]> {
  const pods = ['pods', `--selector=${selector}`, `--namespace=${namespace}`];
  return (await cluster.get<{ items: ServingPod[] }>(pods)).items;
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
    const container = firstToEnd(containers.filter(({ podUid }) => podUid === metadata.uid));
    if (container === undefined) throw new Error(`no node knows a container of ${metadata.name}`);
    return podMoments(container, status.podIP, journal);
  });
}

/** Of a Pod's containers; of those that were started again the last one counts. */
function firstToEnd(containers: readonly ContainerMoments[]): ContainerMoments | undefined {
  const last = [...new Map(containers.map(each => [each.container, each])).values()];
  const endAtMs = ({ terminatedAtMs = Infinity }: ContainerMoments) => terminatedAtMs;
  return last.toSorted((a, b) => endAtMs(a) - endAtMs(b))[0];
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
