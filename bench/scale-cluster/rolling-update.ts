import type { LatencyModel } from '../../sandbox/clb/settings.ts';
import { STRATEGIC_MERGE_PATCH } from '../../sandbox/kube/kube-client.ts';
import { readUsage } from '../agent/proc-usage.ts';
import { healthyMoments, writesByAction } from './clb-journal.ts';
import { deployment, NAMESPACE, PLAIN, ROLLING } from './objects.ts';
import type { FollowedPod } from './pod-follower.ts';
import { requestCounts } from './request-counts.ts';
import { never, type Stand } from './stand.ts';

const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
/** What the health check takes from a registration on. */
const HEALTH_CHECK_SECONDS = 10;

interface DeploymentObject {
  readonly metadata: { readonly generation: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

export interface RollingFigures {
  /** From the change to the moment at which all Pods are new and available. */
  readonly durationMs: number;
  /** Of each new Pod: from the later of healthy in CLB and ContainersReady to its open gate. */
  readonly gateMs: readonly number[];
  /** Until the last old Pod is gone. */
  readonly writes: ReadonlyMap<string, number>;
  /** The product's, to the API server, until then. */
  readonly requests: ReadonlyMap<string, number>;
  /** The leader's, until then. */
  readonly cpuMs: number;
}

/** One update of all Pods of the Deployment, with Kubernetes' own defaults: a quarter more, a quarter unavailable. */
export async function rollingUpdate(stand: Stand, latency: Partial<LatencyModel>): Promise<RollingFigures> {
  const { clock, cloud, cluster, coordinators, pods, options } = stand;
  const { rolling } = options.size;
  await cloud.setLatency(latency);
  const leader = await coordinators.untilLed();
  const before = await readUsage(leader.process.pid);
  const fromMs = clock.wallNow();
  const durationMs = await update(stand, ROLLING);
  const left = () => [...pods.pods.values()].filter(({ app, seenAtMs }) => app === ROLLING && seenAtMs < fromMs).length;
  await stand.wait(`of ${rolling} old Pods gone`, rolling, () => rolling - left());
  const window = { fromMs, toMs: clock.wallNow() };
  const journal = cloud.journal.records();
  return {
    durationMs,
    gateMs: gateTimes(pods.since(ROLLING, fromMs), healthyMoments(journal)),
    writes: writesByAction(journal, window),
    requests: requestCounts(cluster.auditedRequests(), window),
    cpuMs: (await readUsage(leader.process.pid)).cpuMs - before.cpuMs,
  };
}

/**
 * What the same update takes without load balancer: each Pod counts as available once it was ready for as long as the
 * health check would take. Milliseconds.
 */
export async function plainUpdate(stand: Stand): Promise<number> {
  const { rolling } = stand.options.size;
  const plain = deployment(PLAIN, rolling, { availableAfterSeconds: HEALTH_CHECK_SECONDS });
  await stand.api.create(DEPLOYMENTS, plain, never);
  await untilComplete(stand, PLAIN);
  const durationMs = await update(stand, PLAIN);
  await stand.api.delete(`${DEPLOYMENTS}/${PLAIN}`, { propagationPolicy: 'Background' }, never);
  await stand.wait('of 1 Deployment without load balancer gone', 1, () => {
    return [...stand.pods.pods.values()].some(({ app }) => app === PLAIN) ? 0 : 1;
  });
  return durationMs;
}

async function update(stand: Stand, app: string): Promise<number> {
  const { api, clock } = stand;
  const startedAtMs = clock.now();
  const annotations = { 'bench/updated-at': String(clock.wallNow()) };
  const body = { spec: { template: { metadata: { annotations } } } };
  await api.patch(`${DEPLOYMENTS}/${app}`, STRATEGIC_MERGE_PATCH, body, never);
  await untilComplete(stand, app);
  return clock.now() - startedAtMs;
}

async function untilComplete({ api, options, wait }: Stand, app: string): Promise<void> {
  const { rolling } = options.size;
  await wait(`of ${rolling} Pods of Deployment ${app} new and available`, rolling, async () => {
    const { metadata, status } = await api.get<DeploymentObject>(`${DEPLOYMENTS}/${app}`, never);
    const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
    if (status.observedGeneration !== metadata.generation) return 0;
    return Math.min(updatedReplicas, availableReplicas) - (replicas - updatedReplicas);
  });
}

/** @throws Error for a Pod whose gate opened before anybody found it healthy */
export function gateTimes(pods: readonly FollowedPod[], healthy: ReadonlyMap<string, readonly number[]>): number[] {
  return pods.flatMap(({ name, address = '', seenAtMs, readyAtMs, gateAtMs }) => {
    if (gateAtMs === undefined || readyAtMs === undefined) return [];
    const healthyAtMs = healthy.get(address)?.find(atMs => atMs >= seenAtMs);
    if (healthyAtMs === undefined) throw new Error(`the gate of ${name} opened, and CLB never found it healthy`);
    return [gateAtMs - Math.max(healthyAtMs, readyAtMs)];
  });
}
