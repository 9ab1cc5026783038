import { type Clock, sleep } from '../../../common/clock.ts';
import { systemRandom } from '../../../common/random.ts';
import { createAll, type Manifest } from '../../../sandbox/cluster/manifest.ts';
import { REPORT_PORT } from '../../../sandbox/cluster/product-manifests.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/cluster/start-sandbox.ts';
import { ClusterReader } from '../../../sandbox/demo/cluster-reader.ts';
import { awaitProduct } from '../../../sandbox/demo/install.ts';
import { LoadProcess } from '../../../sandbox/demo/load-process.ts';
import type { Progress } from '../../../sandbox/demo/progress.ts';
import { sideManifests } from '../../../sandbox/demo/workloads.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import type { Evidence } from '../../simulation/evidence.ts';
import { type ApiWrite, notingApi } from '../../simulation/noting-api.ts';
import { ApiGate } from './api-gate.ts';
import { type ClbCall, callsIn } from './clb-calls.ts';
import { openTcpRelay, type TcpRelay } from './tcp-relay.ts';
import type { Death } from './writers.ts';

/** The application under load: Pods with gate and hook. */
export const APP = 'hooked';
export const APP_REPLICAS = 3;
/** Requests on connections of their own, and clients that keep theirs, with about two requests a second each. */
const LOAD = { freshPerSecond: 40, keepAliveClients: 20, longClients: 4 };
export const REQUESTS_PER_SECOND = LOAD.freshPerSecond + 2 * LOAD.keepAliveClients;
export const KEPT_CONNECTIONS = LOAD.keepAliveClients;
export const CONNECTIONS_AT_ONCE = KEPT_CONNECTIONS + LOAD.longClients;
const LOAD_FLAGS = [
  `--rate=${LOAD.freshPerSecond}`,
  `--keep-alive-clients=${LOAD.keepAliveClients}`,
  `--long-clients=${LOAD.longClients}`,
  '--long-path=/hold?seconds=4',
  '--clients=8',
];
const SANDBOX = { createLoadBalancerMs: 500, healthCheckSeconds: 2, healthCheckThreshold: 2 };
/** Timers of processes on a busy machine. */
const SLOWNESS_MAX = 1.05;
const SERVICE_LIMIT_MS = 60_000;
const RECOVERY_LIMIT_MS = 90_000;
const WARM_UP_MS = 2_000;
/** CLB's forwarders follow within 2 s; their records are waited for. */
const FOLLOW_UP_MS = 2_500;

export interface StageOptions {
  readonly clock: Clock;
  readonly progress: Progress;
  /** Leaves the folder with all logs behind. */
  readonly keepFolder: boolean;
}

/** What recovered, and how long after the fault it had. */
export interface Recovery {
  readonly what: string;
  readonly tookMs: number;
}

interface Links {
  readonly agentsToCoordinators: TcpRelay;
  readonly coordinatorsToClb: TcpRelay;
  readonly api: ApiGate;
  /** In the order they were sent. */
  readonly clbCalls: readonly ClbCall[];
}

/** The sandbox with relays on clb-direct's ways, an application and its load: what a case plays on. */
export interface Stage extends Links, Omit<StageOptions, 'keepFolder'>, AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly reader: ClusterReader;
  readonly recoveries: readonly Recovery[];
  readonly deaths: Death[];
  /** Wall milliseconds at which the connections to CLB were reset. */
  readonly resets: number[];
  /** Leaves the sandbox's folder behind, whatever the options say. */
  keepFolder(): void;
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
  let isFolderKept = options.keepFolder;
  await using parts = new AsyncDisposableStack();
  const apiWrites: ApiWrite[] = [];
  const links = await openLinks(clock, parts);
  const sandbox = parts.use(
    await startLinked({ clock, isFolderKept: () => isFolderKept }, { links, apiWrites }, signal),
  );
  if (isFolderKept) progress.say(`everything is in ${sandbox.folder}`);
  await awaitProduct({ sandbox, clock, progress, replicas: APP_REPLICAS }, signal);
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const loads = parts.use(new Loads({ clock, sandbox }));
  const recoveries: Recovery[] = [];
  const stage = {
    ...links,
    clock,
    progress,
    sandbox,
    reader,
    recoveries,
    keepFolder: () => {
      isFolderKept = true;
    },
    deaths: [],
    resets: [],
    create: (manifests: readonly Manifest[]) => createAll(sandbox.client, manifests, signal),
    load: loads.start.bind(loads),
    recovered: async (what: string, since: number, missing: () => Promise<string | undefined> | string | undefined) => {
      await progress.until(what, { limitMs: RECOVERY_LIMIT_MS, missing }, signal);
      recoveries.push({ what, tookMs: clock.now() - since });
    },
    finish: () => loads.finish(signal),
    evidence: async () => ({
      journal: await sandbox.clb.journal(signal),
      records: sandbox.records,
      apiWrites,
      slownessMax: SLOWNESS_MAX,
    }),
  };
  await serveUnderLoad(stage, signal);
  const owned = parts.move();
  return { ...stage, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openLinks(clock: Clock, parts: AsyncDisposableStack): Promise<Links> {
  const clbCalls: ClbCall[] = [];
  const behindAgents = (dialed: string) => ({ host: dialed, port: REPORT_PORT });
  const onChunk = (dialed: string, chunk: Buffer) => clbCalls.push(...callsIn(dialed, chunk, clock.wallNow()));
  return {
    agentsToCoordinators: parts.use(await openTcpRelay({ targetOf: behindAgents })),
    coordinatorsToClb: parts.use(await openTcpRelay({ targetOf: clbBehind, onChunk })),
    api: new ApiGate(),
    clbCalls,
  };
}

/** CLB's API in the sandbox that the address belongs to. */
function clbBehind(dialed: string): { host: string; port: number } {
  const [first, network] = dialed.split('.');
  return { host: `${first}.${network}.0.2`, port: 8080 };
}

function startLinked(
  { clock, isFolderKept }: { clock: Clock; isFolderKept: () => boolean },
  { links, apiWrites }: { links: Links; apiWrites: ApiWrite[] },
  signal: AbortSignal,
): Promise<Sandbox> {
  const { agentsToCoordinators, coordinatorsToClb, api } = links;
  const routes = {
    clbEndpoint: `http://$(POD_IP):${coordinatorsToClb.port}`,
    reportPort: agentsToCoordinators.port,
  };
  const noting = { wallNow: () => clock.wallNow(), note: (write: ApiWrite) => apiWrites.push(write) };
  return startSandbox(
    {
      ...SANDBOX,
      clock,
      random: systemRandom(),
      get keepFolder() {
        return isFolderKept();
      },
      routes,
      wrapApi: real => notingApi({ ...noting, api: api.wrap(real), faults: undefined }),
    },
    signal,
  );
}

async function serveUnderLoad(
  { clock, progress, reader, create, load }: Pick<Stage, 'clock' | 'progress' | 'reader' | 'create' | 'load'>,
  signal: AbortSignal,
): Promise<void> {
  await create(sideManifests(APP, APP_REPLICAS));
  const missing = async () =>
    (await reader.missingExternalIp(APP)) ?? reader.missingReadyPods(`app=${APP}`, APP_REPLICAS);
  await progress.until('the application serves', { limitMs: SERVICE_LIMIT_MS, missing }, signal);
  load(APP, `http://${await reader.externalIp(APP)}/`, LOAD_FLAGS);
  await sleep(clock, WARM_UP_MS, signal);
}

/** Load generators of a stage; they end with it. */
class Loads implements AsyncDisposable {
  readonly #options: { readonly clock: Clock; readonly sandbox: Sandbox };
  readonly #processes: LoadProcess[] = [];

  constructor(options: { readonly clock: Clock; readonly sandbox: Sandbox }) {
    this.#options = options;
  }

  start(name: string, url: string, flags: readonly string[]): void {
    const { clock, sandbox } = this.#options;
    const prefix = `--client-prefix=${sandbox.plan.clientPrefix}.`;
    const { folder } = sandbox;
    this.#processes.push(new LoadProcess({ clock, folder, name, url, flags: [...flags, prefix] }));
  }

  async finish(signal: AbortSignal): Promise<LoadReport[]> {
    for (const process of this.#processes) process.finish();
    const reports = await Promise.all(this.#processes.map(process => process.report()));
    await sleep(this.#options.clock, FOLLOW_UP_MS, signal);
    return reports;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(process => process[Symbol.asyncDispose]()));
  }
}
