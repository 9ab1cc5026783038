import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noMetrics } from '../../agent/metrics.ts';
import { grpcReportConnector } from '../../agent/report/grpc-connector.ts';
import { reportStreams } from '../../agent/report/report-streams.fixture.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { create, get, patch } from '../../common/kube/client.ts';
import type { ConfigMap, KubeObject, Pod, Secret } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { READINESS_GATE } from '../../common/names.ts';
import { seededRandom } from '../../common/random.ts';
import { ADMIN } from '../../sandbox/kube/api/fixtures.ts';
import { httpsAdmissionCaller } from '../../sandbox/kube/api/https-admission.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { type GrpcListener, listenForReports } from '../reports/grpc-listener.ts';
import { ReportServer } from '../reports/report-server.ts';
import { secretPart } from './certificate-bundle.ts';
import { listenForAdmissions, type WebhookListener } from './https-listener.ts';
import { DEFAULT_INJECTION_POLICY } from './inject.ts';
import { OwnCertificates } from './own-certificates.ts';
import { UNKNOWN_SURROUNDINGS } from './surroundings.ts';
import { CONFIG_MAP, type Loose, SECRET, WEBHOOK } from './upkeep.fixture.ts';
import { Upkeep } from './upkeep.ts';
import { x509Issuer } from './x509-issuer.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Whatever is issued in the 45 days before now and not renewed yet is valid now, when sockets check it. */
const TERMS = { authorityLifeMs: 66 * DAY_MS, servingLifeMs: 60 * DAY_MS, spreadMs: HOUR_MS };
const DAYS_PLAYED = 45;
const NODES = ['node1', 'node2', 'node3'];
const PODS = '/api/v1/namespaces/default/pods';
const TOUCHES = { timeout: 30_000, interval: 400 };
const LIMIT = { timeout: 20_000, interval: 20 };

const clock = systemClock();
let folder: string;
let api: KubeTransport;
let leaped: Leaped;
let replicas: Replica[];
let stop: AbortController;
let losses: string[];
let secret: Secret;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-rotation-'));
  const server = new KubeApiServer({ clock, random: seededRandom(1), admissionCaller: httpsAdmissionCaller() });
  api = inProcessKubeTransport({ server, user: ADMIN, clock });
  stop = new AbortController();
  losses = [];
  leaped = leapingClock(-DAYS_PLAYED * DAY_MS);
  await post('/api/v1/namespaces', { metadata: { name: 'clb-direct' } });
  const webhook = { metadata: { name: 'clb-direct-webhook' }, spec: { ports: [{ name: 'tls', port: 9444 }] } };
  await post('/api/v1/namespaces/clb-direct/services', webhook);
  replicas = [await Replica.start('replica-0'), await Replica.start('replica-1')];
  void replicas[0]?.upkeep.lead(stop.signal);
  await expect.poll(() => read(CONFIG_MAP), LIMIT).toBeDefined();
  await expect.poll(() => read(WEBHOOK), LIMIT).toBeDefined();
});

afterEach(async () => {
  stop.abort();
  await Promise.all(replicas.map(replica => replica.close()));
  await rm(folder, { recursive: true });
});

test('serving certificate and CA are replaced under agents that stream and Pods that are made: no Pod misses the webhook, no stream ends', async () => {
  await syncKubelets();
  const agents = NODES.map(node => startAgent(`${node}-streaming`));
  await expect.poll(() => agents.map(agent => agent.connected), LIMIT).toEqual([2, 2, 2]);
  const pods = makePods();
  await look();
  const first = served();

  leaped.leap(41 * DAY_MS);
  await touchUntil(() => served() !== first);
  await expectNewAgentsConnect('after the serving certificate was renewed');

  const renewed = served();
  leaped.leap(3.5 * DAY_MS);
  const old = trusted();
  await touchUntil(() => trusted() !== old);
  await untilTold();
  // Kubelets take their time: agents still have the old file.
  await expectNewAgentsConnect('while the next CA is only announced');
  expect(served()).toBe(renewed);
  await syncKubelets();

  await touchUntil(() => served() !== renewed, HOUR_MS);
  await expectNewAgentsConnect('when the next CA signs, with the file of before');
  await untilTold();
  const both = trusted();
  await touchUntil(() => trusted() !== both, HOUR_MS);
  expect(trusted()).not.toContain(old.trim());
  await untilTold();
  await syncKubelets();
  await expectNewAgentsConnect('when the old CA is retired');

  const { made, ungated } = await pods.end();
  expect(made).toBeGreaterThan(50);
  expect(ungated).toEqual([]);
  expect(losses).toEqual([]);

  // A replica that is restarted costs its streams a reconnect, and the agents keep the other.
  await replicas[1]?.restart();
  await expect.poll(() => agents.map(agent => agent.connected), LIMIT).toEqual([2, 2, 2]);
  expect(agents.map(agent => agent.connectedLeast)).toEqual([1, 1, 1]);
  expect(losses.filter(loss => !loss.endsWith(': unavailable'))).toEqual([]);
}, 60_000);

/** Real time, but for leaps that the test makes; timers know nothing of them. */
interface Leaped extends Clock {
  leap(byMs: number): void;
}

function leapingClock(wallOffsetMs: number): Leaped {
  let leapedMs = 0;
  return {
    now: () => clock.now() + leapedMs,
    wallNow: () => clock.wallNow() + wallOffsetMs + leapedMs,
    schedule: (delayMs, callback) => clock.schedule(delayMs, callback),
    leap: byMs => {
      leapedMs += byMs;
    },
  };
}

/** A coordinator's two listeners and what they stand on, over real sockets. */
class Replica {
  readonly upkeep: Upkeep;
  #reports: GrpcListener | undefined;
  #webhook: WebhookListener | undefined;
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
    const base = { transport: api, namespace: 'clb-direct', clock: leaped, logger: silentLogger };
    const source = new OwnCertificates({ ...base, issuer: x509Issuer(), terms: TERMS });
    this.upkeep = new Upkeep({
      ...base,
      names: DEFAULT_INSTANCE,
      source,
      random: seededRandom(1),
      instance: name,
      webhookParts: 1,
      onWritten: () => {},
    });
  }

  static async start(name: string): Promise<Replica> {
    const replica = new Replica(name);
    await replica.#listen({ grpc: 0, webhook: 0 });
    await replica.#register();
    return replica;
  }

  get reportPort(): number {
    return this.#reports?.port ?? 0;
  }

  /** The process ends and another one takes its place. */
  async restart(): Promise<void> {
    const ports = { grpc: this.reportPort, webhook: this.#webhook?.port ?? 0 };
    await this.close();
    await this.#listen(ports);
  }

  async close(): Promise<void> {
    await Promise.all([this.#reports?.stop(50), this.#webhook?.stop(50)]);
  }

  async #listen(ports: { readonly grpc: number; readonly webhook: number }): Promise<void> {
    const certificate = await this.upkeep.obtain(stop.signal);
    if (!certificate) throw new Error('the test was stopped before it began');
    const common = { host: '127.0.0.1', certificate, clock, logger: silentLogger };
    const server = new ReportServer({
      ...{ coordinator: this.#name, incarnation: this.#name, podUid: this.#name, clock, logger: silentLogger },
      ...{ onEvent: () => {}, onCoordinatorEnded: () => {} },
    });
    const identify = async (podName: string) => ({ nodeName: nodeOf(podName), podName, podUid: podName });
    const reports = await listenForReports({ ...common, port: ports.grpc, identify, handler: server.handle });
    const webhook = await listenForAdmissions({
      ...common,
      port: ports.webhook,
      policy: DEFAULT_INJECTION_POLICY,
      surroundingsOf: () => UNKNOWN_SURROUNDINGS,
    });
    [this.#reports, this.#webhook] = [reports, webhook];
    void this.upkeep.follow(next => {
      reports.replaceCertificate(next);
      webhook.replaceCertificate(next);
    }, stop.signal);
  }

  async #register(): Promise<void> {
    await post('/apis/discovery.k8s.io/v1/namespaces/clb-direct/endpointslices', {
      metadata: { name: this.#name, labels: { 'kubernetes.io/service-name': 'clb-direct-webhook' } },
      addressType: 'IPv4',
      ports: [{ name: 'tls', port: this.#webhook?.port }],
      endpoints: [{ addresses: ['127.0.0.1'] }],
    });
  }
}

interface TestAgent {
  /** Coordinators that have welcomed it. */
  readonly connected: number;
  /** The least since there were two. */
  readonly connectedLeast: number;
}

/** A token is the name of the agent's Pod: `node1-streaming`. */
function nodeOf(podName: string): string {
  return podName.split('-', 1)[0] ?? '';
}

/** An agent's streams to both replicas, with the CA of its node's file. */
function startAgent(podName: string, until: AbortSignal = stop.signal): TestAgent {
  const node = nodeOf(podName);
  const agent = { connected: 0, connectedLeast: 2 };
  const [first] = replicas;
  const connector = grpcReportConnector({
    host: '127.0.0.1',
    port: first?.reportPort ?? 0,
    certificateAuthorityFile: join(folder, `${node}.crt`),
    tokenFile: join(folder, `${podName}.token`),
  });
  const streams = reportStreams({
    clock,
    nodeName: node,
    epoch: podName,
    metrics: { ...noMetrics(), streamFailed: kind => losses.push(`${podName}: ${kind}`) },
    connector: { ...connector, resolve: async () => replicas.map(({ reportPort }) => `127.0.0.1:${reportPort}`) },
    onCoordinators: ({ connected }) => {
      if (agent.connected === 2) agent.connectedLeast = Math.min(agent.connectedLeast, connected);
      agent.connected = connected;
    },
  });
  void streams.run(until);
  return agent;
}

/** Agents that start now, with what their nodes' kubelets have written. */
async function expectNewAgentsConnect(when: string): Promise<void> {
  const until = new AbortController();
  const before = losses.length;
  const agents = NODES.map(node => startAgent(`${node}-new`, until.signal));
  await expect.poll(() => agents.map(agent => agent.connected), { ...LIMIT, message: when }).toEqual([2, 2, 2]);
  until.abort();
  expect(losses.slice(before), when).toEqual([]);
}

/** What every kubelet does with the ConfigMap, sooner or later. */
async function syncKubelets(): Promise<void> {
  const configMap = await get<ConfigMap>(api, CONFIG_MAP, signal());
  for (const node of NODES) {
    for (const podName of [`${node}-streaming`, `${node}-new`]) {
      await writeFile(join(folder, `${podName}.token`), podName);
    }
    await writeFile(join(folder, `${node}.crt`), configMap.data?.['ca.crt'] ?? '');
  }
}

/** The serving certificate, as `look` saw it. */
function served(): string {
  return secretPart(secret, 'tls.crt');
}

/** The CAs that clients are to trust, as `look` saw them. */
function trusted(): string {
  return secretPart(secret, 'ca.crt');
}

/**
 * Somebody annotates the Secret, so that the leader looks at once and not within a minute; so much time leaps by each
 * time. Not so often that the leader's own write always loses against it.
 */
async function touchUntil(condition: () => boolean, leapMs = 0): Promise<void> {
  await expect
    .poll(async () => {
      leaped.leap(leapMs);
      await patch(
        api,
        SECRET,
        { type: 'merge', body: { metadata: { annotations: { at: `${clock.now()}` } } } },
        signal(),
      );
      await look();
      return condition();
    }, TOUCHES)
    .toBe(true);
}

/** Both the ConfigMap and the webhook's registration have what the Secret has. */
async function untilTold(): Promise<void> {
  await expect.poll(async () => (await read(CONFIG_MAP))?.data['ca.crt'], LIMIT).toBe(trusted());
  await expect
    .poll(async () => JSON.stringify(await read(WEBHOOK)).includes(Buffer.from(trusted()).toString('base64')), LIMIT)
    .toBe(true);
}

async function look(): Promise<void> {
  secret = await get<Secret>(api, SECRET, signal());
}

/** Makes Pods one after another until told to end. */
function makePods() {
  const ungated: string[] = [];
  let made = 0;
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const name = `web-${made}`;
      const pod = await create(api, PODS, podObject(name), signal());
      if (!pod.spec.readinessGates?.some(({ conditionType }) => conditionType === READINESS_GATE)) ungated.push(name);
      made += 1;
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await done;
      return { made, ungated };
    },
  };
}

function podObject(name: string): Pod {
  const metadata = { name, annotations: { 'clb-direct.io/inject': 'true' } };
  return { metadata, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
}

async function read(path: string): Promise<Loose | undefined> {
  const { status, body } = await api.request({ method: 'GET', path }, signal());
  return status === 200 ? (body as Loose) : undefined;
}

async function post(path: string, object: object): Promise<void> {
  await create(api, path, object as KubeObject, signal());
}

function signal(): AbortSignal {
  return new AbortController().signal;
}
