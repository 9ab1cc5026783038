import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { sessionsDuring } from '../clients/client-process.ts';
import { type SessionCounts, sessionsText } from '../clients/session-run.ts';
import { openCluster } from '../harness.ts';
import { changeText } from '../product/change-text.ts';
import { type ChangeOutcome, changeUnderLoad } from '../product/change-under-load.ts';
import { restart, rolledOut } from '../product/echo-workload.ts';
import { expectNothingLost, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { orderProblems, outlivedBudget } from '../product/pod-moments.ts';
import { withoutPort } from '../product/without-port.ts';
import type { SessionKind } from '../sessions/session-kind.ts';
import {
  briefSessions,
  keptFlow,
  keptSessions,
  nginxPods,
  responsesOf30s,
  responsesOf40s,
  sessionPods,
  udpPort,
} from '../sessions/session-workload.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'clients';
const timeoutMs = 300_000;
const defaultDrainSeconds = 30;
/** A response of 30 s that began last of all has ended 5 s before. */
const patientDrainSeconds = 45;
/** The same for those of 40 s. */
const longDrainSeconds = 60;
const streams = responsesOf30s(12);

interface Pods {
  readonly name: string;
  readonly drainSeconds: number;
  /** Last numbers of the addresses of those who ask for a moment, and of those who stay. */
  readonly clients: readonly [from: number, to: number];
  readonly stayingClients: readonly [from: number, to: number];
}

const patient: Pods = {
  name: 'patient',
  drainSeconds: patientDrainSeconds,
  clients: [1, 20],
  stayingClients: [21, 60],
};
const usual: Pods = { name: 'usual', drainSeconds: defaultDrainSeconds, clients: [61, 80], stayingClients: [81, 120] };

let stage: InstalledStage;
const virtualAddresses = new Map<string, string>();

interface Outcome extends ChangeOutcome {
  readonly sessions: readonly SessionCounts[];
}

/** A change of Pods that short requests, kept connections and sessions meet; prints what came of it. */
async function changed(pods: Pods, kinds: readonly SessionKind[], change: () => Promise<unknown>): Promise<Outcome> {
  const host = virtualAddresses.get(pods.name) ?? '';
  const load = {
    ...{ virtualAddress: host, clients: pods.clients, keepAliveRequests: 16, longPath: '/?hold=4' },
    ...{ namespace, selector: `app=${pods.name}`, drainSeconds: pods.drainSeconds, change, ports: 2 },
  };
  let outcome: ChangeOutcome | undefined;
  const sessions = await sessionsDuring(clock, { host, kinds, addresses: pods.stayingClients }, async () => {
    outcome = await changeUnderLoad({ clock, cluster, product: withoutPort(stage.product, udpPort) }, load);
  });
  if (outcome === undefined) throw new Error('the change has no outcome');
  process.stdout.write(`${changeText(outcome)}\n${sessionsText(sessions)}\n`);
  expectNothingLost(outcome.report);
  expect(outcome.gone.flatMap(orderProblems)).toEqual([]);
  return { ...outcome, sessions };
}

function expectNoSessionLost(sessions: readonly SessionCounts[]): void {
  for (const { name, whole, goodbye, stopped, lost } of sessions) {
    expect(lost, name).toEqual([]);
    expect(whole + goodbye + stopped, name).toBeGreaterThan(0);
  }
}

async function update({ name }: Pods): Promise<void> {
  await restart(cluster, { name, namespace });
  await rolledOut(cluster, { name, namespace });
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
  await stage.makeNamespace(namespace);
  for (const [name, workload] of [
    [patient.name, sessionPods(patientDrainSeconds)],
    [usual.name, sessionPods()],
  ] as const)
    virtualAddresses.set(name, await stage.deploy(namespace, { name, ...workload }));
}, 240_000);

afterAll(() => stage?.end(), 240_000);

describe('responses of 30 s, WebSockets, gRPC streams and UDP that end within the budget: nothing is lost', () => {
  test(
    'in a rolling update',
    async () => {
      const { gone, sessions } = await changed(patient, [streams, ...briefSessions, keptFlow], () => update(patient));
      expect(gone).toHaveLength(3);
      expect(gone.filter(outlivedBudget)).toEqual([]);
      expectNoSessionLost(sessions);
      expect(sessions.map(({ goodbye }) => goodbye)).toEqual(sessions.map(() => 0));
    },
    timeoutMs,
  );

  test(
    'in a scale-out and a scale-in',
    async () => {
      const scale = (replicas: number) =>
        cluster.kubectl(['scale', `deployment/${patient.name}`, `--namespace=${namespace}`, `--replicas=${replicas}`]);
      const { gone, sessions } = await changed(patient, [streams, ...briefSessions], async () => {
        await scale(4);
        await rolledOut(cluster, { name: patient.name, namespace });
        await scale(2);
      });
      expect(gone.length).toBeGreaterThan(0);
      expect(gone.filter(outlivedBudget)).toEqual([]);
      expectNoSessionLost(sessions);
    },
    timeoutMs,
  );
});

describe('what outlives the budget', () => {
  test(
    'is not lost with an application that stops gracefully: WebSockets are asked to leave, gRPC connections too, responses end',
    async () => {
      const kinds = [streams, ...briefSessions, ...keptSessions, keptFlow];
      const { gone, sessions } = await changed(usual, kinds, () => update(usual));
      expect(gone).toHaveLength(3);
      expect(gone.filter(outlivedBudget)).toHaveLength(3);
      // Flows are moved only when the Pod has ended, and who uses a port again is in an old one: what they lost is printed.
      expectNoSessionLost(sessions.filter(({ name }) => !name.startsWith('UDP')));
      expect(sessions.find(({ name }) => name === 'WebSocket that stays')?.goodbye).toBeGreaterThan(0);
    },
    timeoutMs,
  );

  test(
    'is lost with nginx that is told to stop fast, and is not when it is told to stop gracefully, or has the budget for it',
    async () => {
      const deployments = [
        { name: 'fast', workload: nginxPods('nginx'), addresses: [121, 140] },
        { name: 'fast-patient', workload: nginxPods('nginx', longDrainSeconds), addresses: [141, 160] },
        { name: 'graceful', workload: nginxPods('nginx-graceful'), addresses: [161, 180] },
      ] as const;
      const hosts: string[] = [];
      for (const { name, workload } of deployments) hosts.push(await stage.deploy(namespace, { name, ...workload }));
      const runs = deployments.map(({ name, addresses }, index) =>
        sessionsDuring(clock, { host: hosts[index] ?? '', addresses, kinds: [responsesOf40s] }, () =>
          replacedAndGone(name),
        ),
      );
      const [fast = [], fastPatient = [], graceful = []] = await Promise.all(runs);
      const titles = ['SIGTERM, budget 30 s', `SIGTERM, budget ${longDrainSeconds} s`, 'SIGQUIT, budget 30 s'];
      for (const [index, counts] of [fast, fastPatient, graceful].entries())
        process.stdout.write(`\n${titles[index]}\n${sessionsText(counts)}\n`);
      expect(fast[0]?.lost.length).toBeGreaterThan(0);
      expectNoSessionLost([...fastPatient, ...graceful]);
    },
    timeoutMs,
  );
});

/** All Pods of a Deployment, and the old ones have ended. */
async function replacedAndGone(name: string): Promise<void> {
  const selection = ['pods', `--namespace=${namespace}`, `--selector=app=${name}`];
  const old = (await cluster.kubectl(['get', ...selection, '--output=name'])).trim().split('\n');
  await restart(cluster, { name, namespace });
  await rolledOut(cluster, { name, namespace });
  await cluster.kubectl(['wait', '--for=delete', ...old, `--namespace=${namespace}`, '--timeout=120s']);
}
