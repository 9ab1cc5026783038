import { aborted } from '../common/aborted.ts';
import { systemClock } from '../common/clock.ts';
import { flag, isHelpRequested, OptionError, type OptionValues, parseOptions, usage } from '../common/options.ts';
import { systemRandom } from '../common/random.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from './cluster/low-ports.ts';
import { COORDINATOR_REPLICAS, STATUS_PORT } from './cluster/product-manifests.ts';
import { startSandbox } from './cluster/start-sandbox.ts';
import { ClusterReader } from './demo/cluster-reader.ts';
import {
  applyExamples,
  applySides,
  awaitProduct,
  awaitSides,
  type DemoOptions,
  exampleTables,
} from './demo/install.ts';
import { Progress } from './demo/progress.ts';
import { resultText, verdictText } from './demo/result-text.ts';
import { type LoadShape, rollBoth } from './demo/rolling-update.ts';
import { type Demands, judge } from './demo/verdict.ts';

const OPTIONS = {
  once: flag({ description: 'end after the demonstration; exit code 0 only if every claim holds', default: false }),
  demo: flag({ description: 'roll two Deployments under load, one with the hook and one without', default: true }),
  keepFolder: flag({ description: 'leave the folder with all logs behind', default: false }),
};

const HELP = `npm start -- [options]

Starts a sandbox on this machine's loopback (a Kubernetes API with three nodes, a CLB with a data plane), installs
clb-direct in it, applies the two manifests of examples/, and shows that a rolling update loses nothing.

${usage(OPTIONS)}`;

const PASSED = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;
const INTERRUPTED = 130;

const REPLICAS = 3;
const HEALTH_CHECK = { healthCheckSeconds: 2, healthCheckThreshold: 2 };
const CREATE_LOAD_BALANCER_MS = 2_000;
const DEMANDS: Demands = { requestsMin: 20_000, replacementsMin: 3, drainingShareMin: 0.3 };
const LOAD: LoadShape = {
  rate: 80,
  keepAliveClients: 260,
  longClients: 12,
  longSeconds: 15,
  shortRequestsMin: DEMANDS.requestsMin,
};

async function main(argv: readonly string[]): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(HELP);
    return PASSED;
  }
  const values = parseOptions(OPTIONS, argv, process.env);
  if (!(await mayListenOnLowPorts())) {
    console.error(`sandbox: ${LOW_PORTS_ADVICE}`);
    return BAD_CONFIGURATION;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Interrupted()));
  return run(values, stop.signal);
}

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

async function run(values: OptionValues<typeof OPTIONS>, signal: AbortSignal): Promise<number> {
  const clock = systemClock();
  const progress = new Progress(clock, line => console.log(line));
  let isServing = false;
  try {
    progress.say('starting: Kubernetes API, 3 nodes, CLB, clb-direct');
    const options = {
      ...HEALTH_CHECK,
      clock,
      random: systemRandom(),
      createLoadBalancerMs: CREATE_LOAD_BALANCER_MS,
      keepFolder: values.keepFolder,
    };
    await using sandbox = await startSandbox(options, signal);
    progress.say(`everything is in ${sandbox.folder}${values.keepFolder ? '' : ', which goes at the end'}`);
    const demo = { sandbox, clock, progress, replicas: REPLICAS };
    const verdict = await Promise.race([demonstrate(demo, values.demo, signal), sandbox.failed]);
    if (values.once) return verdict;
    isServing = true;
    console.log(await servingText(demo, signal));
    await Promise.race([aborted(signal), sandbox.failed]);
    return PASSED;
  } catch (error) {
    if (signal.aborted) return isServing ? PASSED : INTERRUPTED;
    console.error(`sandbox: ${error instanceof Error ? error.message : error}`);
    if (!values.keepFolder) console.error('To see the logs: npm start -- --keep-folder');
    return FAILED;
  } finally {
    progress.say('ended every process');
  }
}

async function demonstrate(options: DemoOptions, withLoad: boolean, signal: AbortSignal): Promise<number> {
  const { progress } = options;
  const { healthCheckSeconds, healthCheckThreshold } = HEALTH_CHECK;
  progress.say(
    `CLB checks every ${healthCheckSeconds} s, ${healthCheckThreshold} times (its own default: 5 s, 3 times)`,
  );
  await awaitProduct(options, signal);
  const applied = applyExamples(options, signal);
  if (withLoad) await applySides(options, signal);
  await applied;
  console.log(`\n${await exampleTables(options, signal)}\n`);
  if (!withLoad) return PASSED;
  await awaitSides(options, signal);
  const results = await rollBoth(options, LOAD, signal);
  const checks = judge(results.hooked, results['gate-only'], DEMANDS);
  console.log(`\n${resultText(results)}\n\n${verdictText(checks)}\n`);
  return checks.every(({ holds }) => holds) ? PASSED : FAILED;
}

async function servingText({ sandbox, clock }: DemoOptions, signal: AbortSignal): Promise<string> {
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const coordinators = await reader.pods('app.kubernetes.io/component=coordinator', 'clb-direct');
  const vip = await reader.externalIp('nginx-service-eni');
  return `
The sandbox stays up until Ctrl-C.

  export KUBECONFIG=${sandbox.kubeconfigFile}
  kubectl get pods -A -o wide
  kubectl rollout restart deployment nginx-deployment-eni
  kubectl scale deployment nginx-deployment-eni --replicas 6
  kubectl cordon node1 && kubectl drain node1
  curl http://${vip}/
  npm run load -- --url http://${vip}/

  status page   ${coordinators.map(pod => `http://${pod.status?.podIP}:${STATUS_PORT}/`).join('  ')}
  metrics       the same with /metrics; ${COORDINATOR_REPLICAS} coordinators, one leads
  CLB           ${sandbox.clb.control}/journal  ${sandbox.clb.control}/state
  logs          ${sandbox.folder}/*/logs
`;
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.error(`sandbox: ${error.message}`);
  process.exit(BAD_CONFIGURATION);
}
