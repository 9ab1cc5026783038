import type { Clock } from '../common/clock.ts';
import type { InstanceNames } from '../common/instance-names.ts';
import type { KubeTransport } from '../common/kube/transport.ts';
import type { Logger } from '../common/logger.ts';
import type { NodePolicy } from '../common/pods/detect-eni.ts';
import { type Random, randomUuid } from '../common/random.ts';
import type { ReportConnector } from '../common/report-transport.ts';
import type { ConnectionSource } from './connections/source.ts';
import type { DrainLimits } from './drain/drain-limits.ts';
import { DrainTracker } from './drain/drain-tracker.ts';
import type { HookCallees, HookTransport } from './drain/hook-transport.ts';
import { type ServingEndOptions, untilServingEnds } from './drain/serving-end.ts';
import { takeDrainUpdate } from './drain/take-drain-update.ts';
import type { HealthBoard } from './health/health.ts';
import { Pulses } from './health/pulses.ts';
import { missingToBeReady } from './health/readiness.ts';
import type { AgentMetrics } from './metrics.ts';
import { NodeWatch } from './node/node-watch.ts';
import { ProbeDesk } from './node/probe-desk.ts';
import type { ProbeSource } from './node/probe-source.ts';
import type { NodeSignSource } from './node/sign-source.ts';
import { runAbsenceProver } from './pods/absence-prover.ts';
import { askForDeletion } from './pods/deletion-question.ts';
import { FirstLook } from './pods/first-look.ts';
import { runPodReflector } from './pods/pod-reflector.ts';
import { PodSight } from './pods/pod-sight.ts';
import { type ObservedPod, type PodChange, PodTable } from './pods/pod-table.ts';
import { StartLag } from './pods/start-lag.ts';
import type { HookRedirect } from './redirect/hook-redirect.ts';
import { RedirectKeeper } from './redirect/redirect-keeper.ts';
import { CoordinatorWitness } from './report/coordinator-witness.ts';
import { ReportStreams } from './report/report-streams.ts';
import { ExitLead } from './runtime/exit-lead.ts';
import type { RuntimeSource } from './runtime/source.ts';

/** Everything the agent touches. */
export interface AgentEdges {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeTransport;
  readonly reports: ReportConnector;
  readonly hooks: HookTransport;
  readonly redirect: HookRedirect;
  readonly runtime: RuntimeSource;
  readonly connections: ConnectionSource;
  /** All addresses of the node now: connections from them are probes. */
  readonly nodeAddresses: () => readonly string[];
  /** What knows of the node's end besides its Node object. */
  readonly nodeSigns: readonly NodeSignSource[];
  readonly probes: ProbeSource;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly health: HealthBoard;
}

export interface AgentOptions {
  readonly nodeName: string;
  readonly agentVersion: string;
  readonly policy: NodePolicy;
  readonly names: InstanceNames;
  readonly drain: DrainLimits;
  /** preStop calls held at one moment. */
  readonly hookCallsMax: number;
  /** Whether an address may be probed because a coordinator asks. */
  readonly isProbeAllowed: (address: string) => boolean;
}

/** Twice the most Pods a node is known to run, and all of them deleted at once. */
export const DEFAULT_HOOK_CALLS_MAX = 1_024;

/**
 * Runs a node's agent until `signal` aborts; then takes preStop calls as long as it is needed (`untilServingEnds`),
 * finishes those it holds (each within its budget) with the report streams still up, and resolves.
 * @throws what a part threw that is no operating error.
 */
export async function runAgent(
  { edges, options }: { edges: AgentEdges; options: AgentOptions },
  signal: AbortSignal,
): Promise<void> {
  const rest = new AbortController();
  const parts = wire(edges, options, rest.signal);
  showTo(edges, parts);
  const lead = new ExitLead(edges);
  const lag = new StartLag(edges);
  const onObserved = (pod: ObservedPod) => {
    lead.watchTold(pod.record);
    lag.watchTold(pod);
  };
  const onWatching = (isWatching: boolean) => parts.sight.watching(isWatching);
  const sources = { ...edges, ...options, ...parts, onObserved, onWatching };
  const onRuntimeError = runtimeErrorLog(edges);
  const onRound = parts.pulses.follow('proving absence');
  const loops = [
    runPodReflector({ ...sources, transport: edges.kube, onError: podErrorLog(edges) }, rest.signal),
    runAbsenceProver({ ...sources, onRound, onError: onRuntimeError }, rest.signal),
    followExits(edges.runtime, { ...parts, lead, onRuntimeError }, rest.signal),
    parts.redirect.run(rest.signal),
    parts.streams.run(rest.signal),
    parts.node.run(rest.signal),
  ];
  const served = new AbortController();
  void untilServingEnds(servingEndOf(edges, parts), signal).then(() => served.abort());
  const hooks = edges.hooks.serve(calleesOf(edges, parts), served.signal);
  try {
    // A loop that fails ends the agent; none of them ends by itself.
    await Promise.race([hooks, Promise.all(loops)]);
  } finally {
    rest.abort();
  }
  await Promise.all(loops);
}

type Parts = ReturnType<typeof wire>;

/** Makes the parts and tells each of them of every change of a Pod. */
function wire(edges: AgentEdges, options: AgentOptions, signal: AbortSignal) {
  const logOf = (component: string) => edges.log.child({ component });
  const table = new PodTable();
  const epoch = randomUuid(edges.random);
  const startedAtMs = edges.clock.wallNow();
  const pulses = new Pulses(edges.clock);
  const onChange = (change: PodChange) => {
    firstLook.tableChanged();
    // Requests name Pods, so the coordinators hear of the Pods first.
    streams.podsChanged(change);
    tracker.podsChanged(change);
    redirect.podsChanged();
  };
  const firstLook = new FirstLook({ ...edges, table, onChange, onError: runtimeErrorLog(edges) }, signal);
  const sight = new PodSight({ ...edges, log: logOf('pods'), onSeeing: () => streams.seesAgain() }, signal);
  const tracker: DrainTracker = new DrainTracker({
    ...edges,
    log: logOf('drain'),
    limits: options.drain,
    callsMax: options.hookCallsMax,
    findPod: callee => ('address' in callee ? table.findByAddress(callee.address) : table.findByUid(callee.podUid)),
    onUnexplained: pod =>
      void askForDeletion({ ...edges, table, onChange, onError: questionErrorLog(edges) }, pod, signal),
    request: request => streams.requestDrain(request),
  });
  const streams = new ReportStreams({
    ...edges,
    ...options,
    log: logOf('report'),
    connector: edges.reports,
    epoch,
    startedAtMs,
    records: () => (firstLook.isOver ? table.records() : undefined),
    isBlind: () => sight.isBlind,
    activeDrains: () => tracker.activeRequests(),
    onDrainUpdate: update => takeDrainUpdate({ ...edges, table, tracker, onChange }, update),
    notice: () => node.notice(),
    probe: request => probes.answer(request),
    onCoordinators: coordinators => {
      tracker.coordinators(coordinators);
      redirect.coordinators(coordinators.connected + coordinators.observing);
    },
    onRound: pulses.follow('keeping the report streams'),
    ended: () => witness.ended,
    onWelcome: welcome => void witness.welcomed(welcome),
  });
  const witness: CoordinatorWitness = new CoordinatorWitness({
    ...edges,
    log: logOf('report'),
    onEnded: () => streams.coordinatorEnded(),
  });
  const node: NodeWatch = new NodeWatch({
    ...edges,
    ...options,
    transport: edges.kube,
    log: logOf('node'),
    sources: edges.nodeSigns,
    onNotice: () => streams.noticeChanged(),
    onNetwork: network => onChange(table.setNetwork(network)),
  });
  const probes = new ProbeDesk({ ...edges, source: edges.probes, isAllowed: options.isProbeAllowed });
  const redirect = new RedirectKeeper({
    ...edges,
    log: logOf('redirect'),
    self: { stamp: startedAtMs, incarnation: epoch },
    addresses: () => (table.isListed ? table.hookedAddresses().filter(edges.redirect.covers) : undefined),
  });
  return { table, sight, tracker, streams, witness, node, redirect, pulses, onChange };
}

/** Says where a scrape and a health check find how the agent is doing. */
function showTo({ metrics, health }: AgentEdges, { table, streams, redirect, pulses }: Parts): void {
  metrics.observePods(() => table.records());
  metrics.observeStreams(() => streams.status());
  health.observe(() => ({
    missing: missingToBeReady({ isListed: table.isListed, isRedirected: redirect.isOwner }),
    stuck: pulses.stuck(),
  }));
}

function calleesOf({ redirect }: AgentEdges, { tracker, table }: Parts): HookCallees {
  return {
    hold: (callee, caller) => tracker.hold(callee, caller),
    isHooked: address => redirect.covers(address) && table.hookedAddresses().includes(address),
    podUidOf: token => table.findByToken(token),
  };
}

function servingEndOf({ clock }: AgentEdges, { tracker, table, redirect, node }: Parts): ServingEndOptions {
  return {
    clock,
    lookAtRedirect: () => redirect.lookBeforeStopping(),
    isSuperseded: () => redirect.isSuperseded,
    callsHeld: () => tracker.callsHeld,
    hookedPods: () => table.hookedAddresses().length,
    isNodeEnding: () => node.isNodeEnding(),
  };
}

function podErrorLog({ log, metrics }: AgentEdges): (error: unknown) => void {
  return error => {
    metrics.podListOrWatchFailed();
    log.warn('Pods of this node were not listed or watched, will try again', { component: 'pods', error });
  };
}

function questionErrorLog({ log }: AgentEdges): (error: unknown) => void {
  return error => log.warn('the API server did not say if a Pod is being deleted whose preStop is called', { error });
}

function runtimeErrorLog({ log, metrics }: AgentEdges): (error: unknown) => void {
  return error => {
    metrics.runtimeFailed();
    log.warn('container runtime gave no answer', { component: 'runtime', error });
  };
}

/** Without the runtime's word the Pods' statuses still tell of exits, later. */
async function followExits(
  runtime: RuntimeSource,
  {
    table,
    onChange,
    lead,
    witness,
    onRuntimeError,
  }: Parts & { lead: ExitLead; onRuntimeError: (error: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const exit of runtime.exits(signal)) {
      onChange(table.exit(exit));
      lead.runtimeTold(exit);
      witness.exited(exit);
    }
  } catch (error) {
    if (!signal.aborted) onRuntimeError(error);
  }
}
