import { networkInterfaces } from 'node:os';
import { Registry } from 'prom-client';
import { systemClock } from '../common/clock.ts';
import { deadline } from '../common/deadline.ts';
import { runEventLoopWatch } from '../common/event-loop-watch.ts';
import { namesFrom } from '../common/instance-options.ts';
import { KubeConfigError } from '../common/kube/configuration.ts';
import { httpsKubeTransport } from '../common/kube/https-transport.ts';
import { loadKubeConfig } from '../common/kube/kubeconfig.ts';
import { listenAddress, openAt } from '../common/listen-address.ts';
import type { Logger } from '../common/logger.ts';
import { isHelpRequested, OptionError, type OptionValues, parseOptions, usage } from '../common/options.ts';
import { pinoLogger } from '../common/pino-logger.ts';
import { systemRandom } from '../common/random.ts';
import packageJson from '../package.json' with { type: 'json' };
import { type AgentEdges, type AgentOptions, runAgent } from './agent.ts';
import { isComplete, runChecks } from './check/check.ts';
import { checkTable } from './check/check-table.ts';
import { nodeChecks } from './check/node-checks.ts';
import { procConnections } from './connections/proc-connections.ts';
import { ssIdleTimes } from './connections/ss-process.ts';
import { DEFAULT_DRAIN_LIMITS, IDLE_CONNECTION_MS } from './drain/drain-limits.ts';
import { RefusalLog } from './drain/refusal-log.ts';
import { type HealthBoard, noHealthBoard } from './health/health.ts';
import { openHealthServer } from './health/health-server.ts';
import { openMetricsServer } from './metrics-server.ts';
import { probeNetworks } from './node/probe-networks.ts';
import { signSources } from './node/sign-sources.ts';
import { tcpProbes } from './node/tcp-probes.ts';
import { AGENT_OPTIONS, type AgentOptionValues, REMOVAL_OPTIONS } from './options.ts';
import { prometheusMetrics } from './prometheus-metrics.ts';
import { runCommand } from './redirect/command-process.ts';
import { openNodeHooks } from './redirect/node-hooks.ts';
import { nodeFirewall } from './redirect/proc-firewall.ts';
import { removeRedirect } from './redirect/remove-redirect.ts';
import { grpcReportConnector } from './report/grpc-connector.ts';
import { nodeRuntime } from './runtime/node-runtime.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const STOPPED = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;
/** For a dozen programs, each with a lock that kube-proxy may hold for seconds. */
const REDIRECT_TIMEOUT_MS = 30_000;
const REMOVE_REDIRECT = '--remove-redirect';

/** `clb-direct agent`: runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(`Usage: clb-direct agent [options]\n\n${usage(AGENT_OPTIONS)}`);
    return STOPPED;
  }
  try {
    if (argv.includes(REMOVE_REDIRECT)) return await remove(parseOptions(REMOVAL_OPTIONS, argv, environment));
    const values = parseOptions(AGENT_OPTIONS, argv, environment);
    if (values.check) return await check(values, environment);
    await run(values, environment);
    return STOPPED;
  } catch (error) {
    console.error(`clb-direct agent: ${error instanceof Error ? error.message : error}`);
    const isConfiguration = error instanceof OptionError || error instanceof KubeConfigError;
    return isConfiguration ? BAD_CONFIGURATION : FAILED;
  }
}

/** `--remove-redirect`: needs nothing but the node, whatever else of the product is there no more. */
async function remove(values: OptionValues<typeof REMOVAL_OPTIONS>): Promise<number> {
  const { procRoot, nftCommand } = values;
  const firewall = await nodeFirewall({ procRoot, nftCommand, names: namesFrom(values), run: runCommand });
  using limit = deadline(systemClock(), 'removing the redirect', REDIRECT_TIMEOUT_MS);
  const { lines, isRemoved } = await removeRedirect(firewall, limit.signal);
  console.log(lines.join('\n'));
  return isRemoved ? STOPPED : FAILED;
}

/** `--check`: tells what is there and what is not, and the remedies. */
async function check(values: AgentOptionValues, environment: Environment): Promise<number> {
  const clock = systemClock();
  const results = await runChecks(clock, nodeChecks({ values, environment, clock }));
  console.log(checkTable(results));
  return isComplete(results) ? STOPPED : FAILED;
}

async function run(values: AgentOptionValues, environment: Environment): Promise<void> {
  const [stop, ended] = [new AbortController(), new AbortController()];
  const onSignal = () => stop.abort();
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  const log = pinoLogger({ level: values.logLevel });
  const registry = new Registry();
  const healthServer = values.healthSocket === undefined ? undefined : await openHealthServer(values.healthSocket);
  const health = healthServer ?? noHealthBoard();
  const edges = await openEdges(values, environment, { log, registry, health });
  const metricsServer = await openAt('--http-listen', values.httpListen, address =>
    openMetricsServer({ ...address, registry }),
  );
  const { clock, metrics } = edges;
  const watched = runEventLoopWatch({ clock, onDelay: metrics.eventLoopDelayed }, ended.signal);
  log.info('agent started', { node: values.nodeName, metricsPort: metricsServer.port });
  try {
    await runAgent({ edges, options: agentOptions(values) }, stop.signal);
    log.info('agent stopped');
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    ended.abort();
    await Promise.all([watched, metricsServer.close(), healthServer?.close()]);
  }
}

async function openEdges(
  values: AgentOptionValues,
  environment: Environment,
  { log, registry, health }: { log: Logger; registry: Registry; health: HealthBoard },
): Promise<AgentEdges> {
  const { procRoot, coordinatorCaFile: certificateAuthorityFile, tokenFile } = values;
  const clock = systemClock();
  const metrics = prometheusMetrics(registry, {
    nodeName: values.nodeName,
    version: packageJson.version,
    startedAtMs: clock.wallNow(),
  });
  const configuration = await loadKubeConfig({ kubeconfigPath: values.kubeconfig, environment });
  const drainLog = log.child({ component: 'drain' });
  const refusals = new RefusalLog({ clock, log: drainLog });
  using limit = deadline(clock, 'finding what redirects preStop calls', REDIRECT_TIMEOUT_MS);
  const nodeHooks = await openNodeHooks(
    {
      means: values.redirect,
      drainListen: values.drainListen,
      nftCommand: values.nftCommand,
      names: namesFrom(values),
      procRoot,
      log: drainLog,
      onRefused: (reason, caller) => {
        metrics.hookRefused(reason);
        refusals.refused(reason, caller);
      },
    },
    limit.signal,
  );
  const random = systemRandom();
  const runtime = nodeRuntime({
    choice: values.runtime,
    socketPath: values.runtimeSocket,
    procRoot,
    clock,
    random,
    log: log.child({ component: 'runtime' }),
    metrics,
  });
  return {
    clock,
    random,
    kube: httpsKubeTransport(configuration),
    reports: grpcReportConnector({ ...listenAddress(values.coordinator), certificateAuthorityFile, tokenFile }),
    ...nodeHooks,
    runtime,
    connections: procConnections({
      procRoot,
      clock,
      runtime,
      idleTimes: values.idleConnections ? ssIdleTimes({ procRoot }) : undefined,
      onIdleTimesFailed: error => {
        metrics.connectionReadFailed();
        log.warn('idle connections cannot be told from others, so drains wait for them', { component: 'drain', error });
      },
    }),
    nodeAddresses: () => values.nodeAddress?.split(',') ?? interfaceAddresses(),
    nodeSigns: signSources({ ...values, clock, random, log: log.child({ component: 'node' }) }),
    probes: tcpProbes(),
    log,
    metrics,
    health,
  };
}

function agentOptions(values: AgentOptionValues): AgentOptions {
  return {
    nodeName: values.nodeName,
    agentVersion: packageJson.version,
    names: namesFrom(values),
    policy: { pureVpcCni: values.pureVpcCni === 'auto' ? 'auto' : values.pureVpcCni === 'true' },
    isProbeAllowed: allowedProbes(values.probeCidrs),
    hookCallsMax: values.hookCallsMax,
    drain: {
      ...DEFAULT_DRAIN_LIMITS,
      drainSecondsDefault: values.drainSeconds,
      drainSecondsMax: values.drainSecondsMax,
      restartHoldMs: values.restartDrainSeconds * 1_000,
      idleMs: values.idleConnections ? IDLE_CONNECTION_MS : undefined,
      udpQuietMs: values.udpQuietSeconds * 1_000,
      coordinatorAbsentMs: values.coordinatorAbsentMs,
      leaderAnswerMs: values.leaderAnswerMs,
    },
  };
}

function allowedProbes(cidrs: string): AgentOptions['isProbeAllowed'] {
  try {
    return probeNetworks(cidrs);
  } catch (cause) {
    throw new OptionError(`--probe-cidrs: '${cidrs}' ${(cause as Error).message}`, { cause });
  }
}

/** Read anew each time: bridges come and go with Pods. */
function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(addresses => addresses?.map(({ address }) => address) ?? []);
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
