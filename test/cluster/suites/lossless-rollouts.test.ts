import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { Lease, Pod } from '../../../common/kube/objects.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { sessionsDuring } from '../clients/client-process.ts';
import { type SessionCounts, sessionsText } from '../clients/session-run.ts';
import { killContainer } from '../container-fault.ts';
import { openCluster } from '../harness.ts';
import { changeText } from '../product/change-text.ts';
import { type ChangeOutcome, changeUnderLoad } from '../product/change-under-load.ts';
import { helmApply } from '../product/chart.ts';
import { restart, rolledOut } from '../product/echo-workload.ts';
import { expectNothingLost, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { names } from '../product/names.ts';
import { orderProblems } from '../product/pod-moments.ts';
import { isWebhookCalled } from '../product/product.ts';
import { withoutPort } from '../product/without-port.ts';
import { briefSessions, responsesOf30s, sessionPods, udpPort } from '../sessions/session-workload.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'rollouts';
const name = 'web';
const replicas = 5;
const timeoutMs = 420_000;
/** A response of 30 s that began last of all has ended 5 s before. */
const drainSeconds = 45;
const kinds = [responsesOf30s(10), ...briefSessions];
/** One is killed while another's node is drained: the third answers the webhook. */
const threeCoordinators = ['coordinator.replicas=3'];
const inProduct = `--namespace=${names.namespace}`;
const inNamespace = `--namespace=${namespace}`;

let stage: InstalledStage;
let virtualAddress = '';

/** A change that short requests, kept connections and sessions meet, and in which none of them is lost. */
async function nothingLostIn(change: () => Promise<unknown>): Promise<ChangeOutcome> {
  const load = {
    ...{ virtualAddress, clients: [1, 20] as const, keepAliveRequests: 16, longPath: '/?hold=4' },
    ...{ namespace, selector: `app=${name}`, drainSeconds, change, ports: 2 },
  };
  let outcome: ChangeOutcome | undefined;
  const sessions = await sessionsDuring(clock, { host: virtualAddress, kinds, addresses: [21, 80] }, async () => {
    outcome = await changeUnderLoad({ clock, cluster, product: withoutPort(stage.product, udpPort) }, load);
  });
  if (outcome === undefined) throw new Error('the change has no outcome');
  process.stdout.write(`${changeText(outcome)}\n${sessionsText(sessions)}\n`);
  expectNothingLost(outcome.report);
  for (const { name, lost, whole } of sessions) {
    expect(lost, name).toEqual([]);
    expect(whole, name).toBeGreaterThan(0);
  }
  return outcome;
}

async function update(): Promise<void> {
  await restart(cluster, { name, namespace });
  await rolledOut(cluster, { name, namespace });
}

async function podsOf(component: 'agent' | 'coordinator'): Promise<readonly Pod[]> {
  const selection = [inProduct, `--selector=app.kubernetes.io/component=${component}`];
  return (await cluster.get<{ items: readonly Pod[] }>(['pods', ...selection])).items;
}

/** Replaces agents or coordinators; returns when each is ready. */
async function replace(kind: 'daemonset' | 'deployment'): Promise<void> {
  const ours = [kind, '--selector=app.kubernetes.io/name=clb-direct', inProduct];
  await cluster.kubectl(['rollout', 'restart', ...ours]);
  await cluster.kubectl(['rollout', 'status', ...ours, '--timeout=240s']);
}

/** Whoever leads and runs: the drain or the upgrade may just have ended the one that the lease names. */
async function killLeader(): Promise<void> {
  await waitUntil(clock, 'a leader to kill', 60_000, async () => {
    const { spec } = await cluster.get<Lease>(['lease', names.lease, inProduct]);
    const leader = (await podsOf('coordinator')).find(({ metadata }) =>
      spec?.holderIdentity?.startsWith(metadata.uid ?? 'none'),
    );
    if (leader === undefined) return false;
    await killContainer(cluster, leader);
    return true;
  });
}

async function replicasReady(): Promise<void> {
  await waitUntil(clock, 'every coordinator to be ready', 60_000, async () => {
    const pods = await podsOf('coordinator');
    const isReady = ({ status }: Pod) =>
      status?.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True');
    return pods.every(isReady);
  });
}

/** As soon as the first Pod of the application is going. */
async function aPodLeaves(): Promise<void> {
  await waitUntil(clock, 'a Pod to leave', 60_000, async () => {
    const { items } = await cluster.get<{ items: readonly Pod[] }>(['pods', inNamespace]);
    return items.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
  });
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster, threeCoordinators);
  await stage.makeNamespace(namespace);
  const pods = sessionPods(drainSeconds);
  // Where a node is drained, each node cannot have its share.
  const template = { topologySpreadConstraints: [] };
  virtualAddress = await stage.deploy(namespace, { name, ...pods, template, replicas });
}, 240_000);

afterAll(() => stage?.end(), 240_000);

describe('nothing is lost in a rolling update of the application', () => {
  test(
    'while agents and coordinators are replaced at the same moment, and every Pod ends in order',
    async () => {
      const before = [...(await podsOf('agent')), ...(await podsOf('coordinator'))].map(({ metadata }) => metadata.uid);
      const { gone } = await nothingLostIn(() => Promise.all([update(), replace('daemonset'), replace('deployment')]));
      expect(gone).toHaveLength(replicas);
      expect(gone.flatMap(orderProblems)).toEqual([]);
      const after = [...(await podsOf('agent')), ...(await podsOf('coordinator'))];
      const ready = after.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      expect(ready.filter(({ metadata }) => before.includes(metadata.uid))).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'and all at once: helm upgrade, the leader killed, a node drained, a Pod deleted, scaled out and in',
    async () => {
      const [drained = ''] = cluster.nodes;
      const drain = ['drain', drained, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=200s'];
      const scale = (count: number) =>
        cluster.kubectl(['scale', `deployment/${name}`, inNamespace, `--replicas=${count}`]);
      const deleteOne = async () => {
        const pods = await stage.pods(namespace);
        const pod = pods.find(({ spec }) => spec.nodeName !== drained)?.metadata.name ?? '';
        await cluster.kubectl(['delete', 'pod', pod, inNamespace, '--wait=false']);
      };
      await nothingLostIn(() =>
        Promise.all([
          scale(replicas + 2)
            .then(update)
            .then(() => scale(replicas - 1)),
          helmApply(cluster, 'upgrade', [...threeCoordinators, 'coordinator.logLevel=debug', 'agent.logLevel=debug']),
          aPodLeaves().then(() => Promise.all([killLeader(), cluster.kubectl(drain), deleteOne()])),
        ]),
      ).finally(() => cluster.kubectl(['uncordon', drained]));
    },
    timeoutMs,
  );
});

test(
  'Pods that are made in the moment after a coordinator is killed have gate and hook, whichever it is',
  async () => {
    for (const coordinator of await podsOf('coordinator')) {
      await killContainer(cluster, coordinator);
      // The API server takes it for ready until its kubelet has told.
      const made = await Promise.all(Array.from({ length: 5 }, () => isWebhookCalled(cluster)));
      expect(made, coordinator.metadata.name).toEqual(made.map(() => true));
      await replicasReady();
    }
  },
  timeoutMs,
);

describe('a Pod that is deleted', () => {
  const deletions = [
    { title: 'with its grace period: nothing is lost', args: [], mayLose: false },
    {
      title: 'with a grace period of 10 s, which leaves the drain next to nothing: so much is lost',
      args: ['--grace-period=10'],
      mayLose: true,
    },
    { title: 'by force: so much is lost', args: ['--grace-period=0', '--force'], mayLose: true },
  ];
  test.each(deletions)(
    '$title',
    async ({ args, mayLose }) => {
      const [pod] = await stage.pods(namespace);
      let report: LoadReport | undefined;
      const sessions = await sessionsDuring(clock, { host: virtualAddress, kinds, addresses: [21, 80] }, async () => {
        report = await stage.load(virtualAddress, async () => {
          await cluster.kubectl(['delete', 'pod', pod?.metadata.name ?? '', inNamespace, ...args]);
          await rolledOut(cluster, { name, namespace });
        });
      });
      if (report === undefined) throw new Error('the load has no report');
      process.stdout.write(`\n${lossText(report)}\n${sessionsText(sessions)}\n`);
      if (mayLose) return;
      expectNothingLost(report);
      expect(sessions.flatMap(({ lost }: SessionCounts) => lost)).toEqual([]);
    },
    timeoutMs,
  );
});

function lossText({ losses, ...report }: LoadReport): string {
  return reportText({ ...report, losses: losses.slice(0, 2) });
}
