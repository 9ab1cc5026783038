import { type Clock, sleep } from '../../../common/clock.ts';
import type { Lease, Pod } from '../../../common/kube/objects.ts';
import { systemRandom } from '../../../common/random.ts';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import { createAll, type Manifest } from '../../../sandbox/cluster/manifest.ts';
import { PRODUCT_NAMESPACE, REPORT_PORT } from '../../../sandbox/cluster/product-manifests.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/cluster/start-sandbox.ts';
import { ClusterReader } from '../../../sandbox/demo/cluster-reader.ts';
import { awaitProduct } from '../../../sandbox/demo/install.ts';
import { LoadProcess } from '../../../sandbox/demo/load-process.ts';
import type { Progress } from '../../../sandbox/demo/progress.ts';
import { sideManifests } from '../../../sandbox/demo/workloads.ts';
import { STRATEGIC_MERGE_PATCH } from '../../../sandbox/kube/kube-client.ts';
import { collectionPath } from '../../../sandbox/kube/resource-path.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { type CloudTarget, type Evidence, isOpen, replayCloud } from '../../simulation/evidence.ts';
import { type ApiWrite, notingApi } from '../../simulation/noting-api.ts';
import { ApiGate } from './api-gate.ts';
import { type ClbCall, callsIn } from './clb-calls.ts';
import type { Recovery } from './kill-case.ts';
import { openTcpRelay, type TcpRelay } from './tcp-relay.ts';

/** The application under load: Pods with gate and hook. */
export const APP = 'hooked';
export const APP_REPLICAS = 3;
/** Requests per second, each on a connection of its own; the two others keep theirs. */
export const FRESH_PER_SECOND = 40;
const LOAD_FLAGS = [
  `--rate=${FRESH_PER_SECOND}`,
  '--keep-alive-clients=20',
  '--long-clients=4',
  '--long-path=/hold?seconds=4',
  '--clients=8',
];
const SERVICE_LIMIT_MS = 60_000;
const RECOVERY_LIMIT_MS = 90_000;
const WARM_UP_MS = 2_000;
/** CLB's forwarders follow within 2 s; their records are waited for. */
const FOLLOW_UP_MS = 2_500;

export interface StageOptions {
  readonly clock: Clock;
  readonly progress: Progress;
  readonly keepFolder: boolean;
}

/** The sandbox with relays on clb-direct's ways, an application and its load: what a case plays on. */
export interface Stage extends AsyncDisposable {
  readonly clock: Clock;
  readonly progress: Progress;
  readonly sandbox: Sandbox;
  readonly reader: ClusterReader;
  readonly agentsToCoordinators: TcpRelay;
  readonly coordinatorsToClb: TcpRelay;
  readonly api: ApiGate;
  /** In the order they were sent. */
  readonly clbCalls: readonly ClbCall[];
  readonly recoveries: readonly Recovery[];
  create(manifests: readonly Manifest[]): Promise<void>;
  /** Adds to the load that runs from the start. */
  load(name: string, url: string, flags: readonly string[]): void;
  /** Waits until `missing` answers undefined, and notes how long after `since` that was. */
  recovered(
    what: string,
    since: number,
    missing: () => Promise<string | undefined> | string | undefined,
  ): Promise<void>;
  /** Ends the load. */
  finish(): Promise<LoadReport[]>;
  evidence(): Promise<Evidence>;
}

/** Resolves when the application serves under load. @throws Error when something does not come up. */
export async function openStage(options: StageOptions, signal: AbortSignal): Promise<Stage> {
  const { clock, progress } = options;
  await using parts = new AsyncDisposableStack();
  const clbCalls: ClbCall[] = [];
  const apiWrites: ApiWrite[] = [];
  const api = new ApiGate();
  const wallNow = () => clock.wallNow();
  const agentsToCoordinators = parts.use(
    await openTcpRelay({ targetOf: dialed => ({ host: dialed, port: REPORT_PORT }) }),
  );
  const coordinatorsToClb = parts.use(
    await openTcpRelay({
      targetOf: clbBehind,
      onChunk: (dialed, chunk) => clbCalls.push(...callsIn(dialed, chunk, wallNow())),
    }),
  );
  const sandbox = parts.use(
    await startSandbox(
      {
        clock,
        random: systemRandom(),
        createLoadBalancerMs: 500,
        healthCheckSeconds: 2,
        healthCheckThreshold: 2,
        keepFolder: options.keepFolder,
        routes: {
          clbEndpoint: `http://$(POD_IP):${coordinatorsToClb.port}`,
          reportPort: agentsToCoordinators.port,
        },
        wrapApi: real =>
          notingApi({ api: api.wrap(real), wallNow, note: write => apiWrites.push(write), faults: undefined }),
      },
      signal,
    ),
  );
  if (options.keepFolder) progress.say(`everything is in ${sandbox.folder}`);
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const loads: LoadProcess[] = [];
  const processes = parts.use(new AsyncDisposableStack());
  const recoveries: Recovery[] = [];
  const load = (name: string, url: string, flags: readonly string[]) => {
    const prefix = `--client-prefix=${sandbox.plan.clientPrefix}.`;
    const { folder } = sandbox;
    loads.push(processes.use(new LoadProcess({ clock, folder, name, url, flags: [...flags, prefix] })));
  };
  await awaitProduct({ sandbox, clock, progress, replicas: APP_REPLICAS }, signal);
  await createAll(sandbox.client, sideManifests(APP, APP_REPLICAS), signal);
  await progress.until(
    'the application serves',
    {
      limitMs: SERVICE_LIMIT_MS,
      missing: async () => (await reader.missingExternalIp(APP)) ?? reader.missingReadyPods(`app=${APP}`, APP_REPLICAS),
    },
    signal,
  );
  load(APP, `http://${await reader.externalIp(APP)}/`, LOAD_FLAGS);
  await sleep(clock, WARM_UP_MS, signal);
  const owned = parts.move();
  return {
    clock,
    progress,
    sandbox,
    reader,
    agentsToCoordinators,
    coordinatorsToClb,
    api,
    clbCalls,
    recoveries,
    load,
    create: manifests => createAll(sandbox.client, manifests, signal),
    async recovered(what, since, missing) {
      await progress.until(what, { limitMs: RECOVERY_LIMIT_MS, missing }, signal);
      recoveries.push({ what, tookMs: clock.now() - since });
    },
    async finish() {
      for (const each of loads) each.finish();
      const reports = await Promise.all(loads.map(each => each.report()));
      await sleep(clock, FOLLOW_UP_MS, signal);
      return reports;
    },
    async evidence() {
      return { journal: await sandbox.clb.journal(signal), records: sandbox.records, apiWrites };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** CLB's API in the sandbox that the address belongs to. */
function clbBehind(dialed: string): { host: string; port: number } {
  const [first, network] = dialed.split('.');
  return { host: `${first}.${network}.0.2`, port: 8080 };
}

export function podUid({ metadata }: Pod): string {
  return metadata.uid ?? '';
}

export function coordinators({ reader }: Stage): Promise<Pod[]> {
  return reader.pods('app.kubernetes.io/component=coordinator', PRODUCT_NAMESPACE);
}

export function agents({ reader }: Stage): Promise<Pod[]> {
  return reader.pods('app.kubernetes.io/component=agent', PRODUCT_NAMESPACE);
}

/** Who holds the lease: a process of a Pod, or nobody. */
export async function leaseHolder({ sandbox }: Stage, signal: AbortSignal): Promise<string> {
  const lease = await sandbox.client.get<Lease>(`${collectionPath('leases', PRODUCT_NAMESPACE)}/clb-direct`, signal);
  return lease.spec?.holderIdentity ?? '';
}

/** @throws Error when nobody leads. */
export async function leadingPod(stage: Stage, signal: AbortSignal): Promise<Pod> {
  const holder = await leaseHolder(stage, signal);
  const leader = (await coordinators(stage)).find(pod => holder.startsWith(podUid(pod)));
  if (!leader) throw new Error(`no coordinator holds the lease: ${holder || 'nobody'} does`);
  return leader;
}

/** As kubectl does it. The result answers undefined when it is over, and everything as `missingInCloud` wants it. */
export async function rollOut(stage: Stage, signal: AbortSignal): Promise<() => Promise<string | undefined>> {
  const { sandbox, clock, progress, reader } = stage;
  const old = new Set((await appPods(stage)).map(({ metadata }) => metadata.name));
  progress.say(`$ kubectl rollout restart deployment ${APP}`);
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clock.wallNow()).toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  await sandbox.client.patch(`${collectionPath('deployments', 'default')}/${APP}`, STRATEGIC_MERGE_PATCH, body, signal);
  return async () => (await reader.missingRollout(APP, old)) ?? missingInCloud(stage, signal);
}

export async function deletePod({ sandbox, progress }: Stage, pod: Pod, signal: AbortSignal): Promise<void> {
  const { name } = pod.metadata;
  progress.say(`$ kubectl delete pod ${name}`);
  await sandbox.client.delete(`${collectionPath('pods', 'default')}/${name}`, {}, signal);
}

export async function appPods({ reader }: Stage): Promise<Pod[]> {
  const pods = await reader.pods(`app=${APP}`);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export async function journalOf({ sandbox }: Stage, signal: AbortSignal): Promise<readonly NumberedRecord[]> {
  return sandbox.clb.journal(signal);
}

/** All targets with a mark of ours, as CLB would tell now. */
export async function cloudTargets(stage: Stage, signal: AbortSignal): Promise<CloudTarget[]> {
  let targets: CloudTarget[] = [];
  replayCloud(await journalOf(stage, signal), ({ after }) => {
    targets = [...after.values()];
  });
  return targets;
}

/** Undefined when CLB holds the application's living Pods and nothing else, all of them open, and every Pod is ready. */
export async function missingInCloud(stage: Stage, signal: AbortSignal): Promise<string | undefined> {
  const pods = await stage.reader.pods(`app=${APP}`);
  const wanted = new Set(pods.map(podUid));
  const targets = (await cloudTargets(stage, signal)).filter(({ podName }) => podName.startsWith(`${APP}-`));
  const missing = [...wanted].filter(uid => !targets.some(target => target.podUid === uid && isOpen(target)));
  const foreign = targets.filter(target => !wanted.has(target.podUid));
  if (missing.length > 0) return `${missing.length} of ${wanted.size} Pods are not open in CLB`;
  if (foreign.length > 0) return `CLB still holds ${foreign.map(({ podName }) => podName).join(', ')}`;
  return stage.reader.missingReadyPods(`app=${APP}`, APP_REPLICAS);
}
