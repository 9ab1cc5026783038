import { type Clock, systemClock } from '../common/clock.ts';
import { runEventLoopWatch } from '../common/event-loop-watch.ts';
import { namesFrom } from '../common/instance-options.ts';
import { KubeConfigError } from '../common/kube/configuration.ts';
import { httpsKubeTransport } from '../common/kube/https-transport.ts';
import { loadKubeConfig } from '../common/kube/kubeconfig.ts';
import type { KubeTransport } from '../common/kube/transport.ts';
import { openAt } from '../common/listen-address.ts';
import type { Logger } from '../common/logger.ts';
import { isHelpRequested, OptionError, parseOptions, usage } from '../common/options.ts';
import { pinoLogger } from '../common/pino-logger.ts';
import { type Random, randomUuid, systemRandom } from '../common/random.ts';
import { clbCloud } from './cloud/clb-client.ts';
import { credentialsFromEnvironment } from './cloud/credentials.ts';
import { parseEndpoint, sdkClbTransport } from './cloud/sdk-transport.ts';
import { ClbCredentialsError } from './cloud/transport.ts';
import { Coordinator } from './coordinator.ts';
import { checkClusterVersion, UnsupportedClusterError } from './kube/cluster-version.ts';
import { checkConfigKind } from './kube/config-kind-check.ts';
import type { EventSubject } from './kube/event-recorder.ts';
import { validateElectionOptions } from './kube/leader-election/election-options.ts';
import { type Carriers, readOnly } from './observe/read-only-carriers.ts';
import { COORDINATOR_OPTIONS, type CoordinatorOptionValues } from './options.ts';
import { listenForReports } from './reports/grpc-listener.ts';
import { TokenReviewer } from './reports/token-review.ts';
import { registerCloudGauges } from './status/cloud-gauges.ts';
import { listenForStatus } from './status/http-listener.ts';
import { CoordinatorMetrics } from './status/metrics.ts';
import { registerProcessMetrics } from './status/process-metrics.ts';
import { registerStateGauges } from './status/state-gauges.ts';
import { takeGauges } from './status/take-gauges.ts';
import { takeSnapshot } from './status/take-snapshot.ts';
import { AdmissionMemory } from './webhook/admission-memory.ts';
import type { ServedCertificate } from './webhook/certificate-bundle.ts';
import type { CertificateSource } from './webhook/certificate-source.ts';
import { CERTIFICATE_TERMS } from './webhook/certificate-step.ts';
import { GivenCertificates } from './webhook/given-certificates.ts';
import { listenForAdmissions } from './webhook/https-listener.ts';
import { DEFAULT_INJECTION_POLICY, type InjectionPolicy } from './webhook/inject.ts';
import { OwnCertificates } from './webhook/own-certificates.ts';
import { Upkeep } from './webhook/upkeep.ts';
import { x509Issuer } from './webhook/x509-issuer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const STOPPED = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;
const STOP_GRACE_MS = 500;
/** The least that CLB takes, and its default. */
const HEALTH_CHECK_TIMEOUT_SECONDS = 2;

/** `clb-direct coordinator`: runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(`Usage: clb-direct coordinator [options]\n\n${usage(COORDINATOR_OPTIONS)}`);
    return STOPPED;
  }
  try {
    await run(checked(parseOptions(COORDINATOR_OPTIONS, argv, environment)), environment);
    return STOPPED;
  } catch (error) {
    console.error(`clb-direct coordinator: ${error instanceof Error ? error.message : error}`);
    const isConfiguration =
      error instanceof OptionError ||
      error instanceof KubeConfigError ||
      error instanceof ClbCredentialsError ||
      error instanceof UnsupportedClusterError;
    return isConfiguration ? BAD_CONFIGURATION : FAILED;
  }
}

/** Refuses now what would fail later. @throws OptionError */
function checked(values: CoordinatorOptionValues): CoordinatorOptionValues {
  try {
    parseEndpoint(values.clbEndpoint);
    namesFrom(values);
    validateElectionOptions({ ...values, identity: values.podUid });
  } catch (error) {
    if (error instanceof RangeError) throw new OptionError(error.message);
    throw error;
  }
  return values;
}

interface Process {
  readonly values: CoordinatorOptionValues;
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeTransport;
  readonly logger: Logger;
  readonly metrics: CoordinatorMetrics;
  readonly upkeep: Upkeep;
  readonly onLoopDelay: (delayMs: number) => void;
  readonly coordinator: Coordinator;
  readonly admissions: AdmissionMemory;
}

async function run(values: CoordinatorOptionValues, environment: Environment): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  const replica = await makeReplica(values, environment);
  const checked = checkClusterVersion({ ...replica, transport: replica.kube });
  const [listeners] = await Promise.all([openListeners(replica, stop.signal), checked]);
  if (listeners) {
    replica.logger.info('coordinator started', { replica: values.podName, ...listeners.ports });
    // The listeners outlive the work: a next leader has to speak to the agents before their streams end.
    const upkeep = replica.upkeep.follow(listeners.replaceCertificate, stop.signal);
    const loopWatch = runEventLoopWatch({ clock: replica.clock, onDelay: replica.onLoopDelay }, stop.signal);
    const admissions = replica.admissions.run(stop.signal);
    const configKind = checkConfigKind({ ...replica, transport: replica.kube, replica: podOf(values) }, stop.signal);
    await Promise.all([replica.coordinator.run(stop.signal), admissions, upkeep, loopWatch, configKind]);
    await listeners.close();
  }
  process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  replica.logger.info('coordinator stopped');
}

/** This replica's own, as Events name it. */
function podOf({ namespace, podName: name, podUid: uid }: CoordinatorOptionValues): EventSubject {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}

async function makeReplica(values: CoordinatorOptionValues, environment: Environment): Promise<Process> {
  const names = namesFrom(values);
  const clock = systemClock();
  const random = systemRandom();
  const logger = pinoLogger({ level: values.logLevel });
  const metrics = new CoordinatorMetrics();
  const credentials = credentialsFromEnvironment(environment, clock);
  const carriers: Carriers = {
    kube: httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: values.kubeconfig, environment })),
    clb: sdkClbTransport({ region: values.region, endpoint: values.clbEndpoint, credentials }),
  };
  const { kube, clb: transport } = values.mode === 'observe' ? readOnly(carriers) : carriers;
  const cloud = clbCloud({
    transport,
    clock,
    random,
    observe: observation => metrics.cloudCall(observation),
    observeTask: observation => metrics.cloudTask(observation),
  });
  const upkeep = new Upkeep({
    source: certificateSource(values, { transport: kube, clock, logger }),
    transport: kube,
    clock,
    random,
    logger: logger.child({ component: 'upkeep' }),
    namespace: values.namespace,
    webhookParts: values.webhook ? values.webhookParts : 0,
    names,
    instance: values.podName,
    onWritten: (kind, outcome) => metrics.upkeepWrote(kind, outcome),
  });
  const coordinator = new Coordinator(
    {
      ...{ clock, random, kube, cloud, log: logger, observer: metrics },
      alsoWhileLeading: signal => upkeep.lead(signal),
    },
    {
      ...values,
      name: values.podName,
      incarnation: randomUuid(random),
      names,
      settleMs: values.settleSeconds * 1_000,
      stuckGateMs: values.stuckGateSeconds * 1_000,
      openStuckGatesMs: values.openStuckGatesSeconds * 1_000,
      // The flag is for clusters of VPC-CNI alone.
      pureVpcCni: values.injectAlways || 'auto',
      healthCheck: {
        intervalSeconds: values.healthCheckIntervalSeconds,
        timeoutSeconds: HEALTH_CHECK_TIMEOUT_SECONDS,
        healthyThreshold: values.healthCheckThreshold,
        unhealthyThreshold: values.healthCheckThreshold,
      },
    },
  );
  registerStateGauges(metrics.registry, () => takeGauges(coordinator, clock));
  registerCloudGauges(metrics.registry, cloud);
  const onLoopDelay = registerProcessMetrics(metrics.registry, { startedAtMs: clock.wallNow() });
  const { knowledge } = coordinator;
  const admissions = new AdmissionMemory({ names, knowledge, transport: kube, clock, random, log: logger });
  return { values, clock, random, kube, logger, metrics, onLoopDelay, upkeep, coordinator, admissions };
}

function injectionPolicy(values: CoordinatorOptionValues): InjectionPolicy {
  const { injectAlways, hookMode } = values;
  const pods = injectAlways ? 'always' : 'withEniMark';
  return { ...DEFAULT_INJECTION_POLICY, pods, hookMode, names: namesFrom(values) };
}

/** Undefined when the process was stopped before there was a certificate. */
async function openListeners(replica: Process, signal: AbortSignal) {
  const { values, clock, kube, logger, metrics, upkeep, coordinator, admissions } = replica;
  // First, so that probes are answered while the API server is not there yet.
  const status = await openAt('--http-listen', values.httpListen, address =>
    listenForStatus({
      ...address,
      registry: metrics.registry,
      liveness: { leadership: () => coordinator.ailment() },
      readiness: {
        services: () =>
          coordinator.knowledge.wishesKnown ? undefined : 'Services, Ingresses or TkeServiceConfigs are not listed yet',
      },
      snapshot: () => takeSnapshot(coordinator, { clock, name: values.podName }),
      clock,
    }),
  );
  const certificate = await upkeep.obtain(signal);
  if (!certificate) {
    await status.stop(STOP_GRACE_MS);
    return undefined;
  }
  const agentServiceAccount = { namespace: values.namespace, name: values.agentServiceAccount };
  const reviewer = new TokenReviewer({ transport: kube, clock, agentServiceAccount });
  const reports = await openAt('--grpc-listen', values.grpcListen, address =>
    listenForReports({
      ...address,
      certificate,
      identify: (token, limit) => reviewer.identify(token, limit),
      handler: coordinator.reports.handle,
      clock,
      logger,
      onTurnedAway: reason => metrics.streamTurnedAway(reason),
    }),
  );
  const webhook = await openAt('--webhook-listen', values.webhookListen, address =>
    listenForAdmissions({
      ...address,
      certificate,
      policy: values.mode === 'observe' ? 'inject-nothing' : injectionPolicy(values),
      surroundingsOf: (namespace, pod) => admissions.surroundingsOf(namespace, pod),
      clock,
      logger,
      onAdmission: (answer, durationMs) => metrics.admission(answer, durationMs),
    }),
  );
  const close = async () => {
    await Promise.all([reports.stop(STOP_GRACE_MS), webhook.stop(STOP_GRACE_MS)]);
    await status.stop(STOP_GRACE_MS);
  };
  const ports = { grpcPort: reports.port, webhookPort: webhook.port, httpPort: status.port };
  metrics.certificates(certificate);
  const replaceCertificate = (next: ServedCertificate) => {
    metrics.certificates(next);
    reports.replaceCertificate(next);
    webhook.replaceCertificate(next);
  };
  return { ports, replaceCertificate, close };
}

function certificateSource(
  { tlsSecret, namespace, mode }: CoordinatorOptionValues,
  edges: { readonly transport: KubeTransport; readonly clock: Clock; readonly logger: Logger },
): CertificateSource {
  const common = { ...edges, issuer: x509Issuer(), namespace };
  if (tlsSecret !== undefined) return new GivenCertificates({ ...common, secretName: tlsSecret });
  return new OwnCertificates({ ...common, terms: CERTIFICATE_TERMS, writes: mode === 'active' });
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
