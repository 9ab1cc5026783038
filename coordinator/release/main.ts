import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { namesFrom } from '../../common/instance-options.ts';
import { KubeConfigError } from '../../common/kube/configuration.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import { isHelpRequested, OptionError, parseOptions, usage } from '../../common/options.ts';
import { systemRandom } from '../../common/random.ts';
import { clbCloud } from '../cloud/clb-client.ts';
import { credentialsFromEnvironment } from '../cloud/credentials.ts';
import { sdkClbTransport } from '../cloud/sdk-transport.ts';
import type { ReleasedAccount } from './load-balancers.ts';
import type { NodeCleanup } from './node-cleanup.ts';
import { RELEASE_OPTIONS, type ReleaseOptionValues } from './options.ts';
import { release } from './release.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DONE = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;

/** `clb-direct release`: hands the cluster back before clb-direct is removed. Resolves with the exit code. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(`Usage: clb-direct release [options]\n\n${usage(RELEASE_OPTIONS)}`);
    return DONE;
  }
  try {
    return await run(parseOptions(RELEASE_OPTIONS, argv, environment), environment);
  } catch (error) {
    console.error(`clb-direct release: ${error instanceof Error ? error.message : error}`);
    return error instanceof OptionError || error instanceof KubeConfigError ? BAD_CONFIGURATION : FAILED;
  }
}

async function run(values: ReleaseOptionValues, environment: Environment): Promise<number> {
  const { namespace, kubeconfig, nodeCleanupFile, timeoutSeconds } = values;
  const names = namesFrom(values);
  const clock = systemClock();
  const transport = httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: kubeconfig, environment }));
  const nodeCleanup = nodeCleanupFile === undefined ? undefined : await readCleanup(nodeCleanupFile);
  using limit = deadline(clock, 'the release', timeoutSeconds * 1_000);
  const say = (line: string) => console.log(line);
  const means = { nodeCleanup, account: accountOf(values, environment, clock) };
  const failures = await release({ transport, clock, namespace, names, say, signal: limit.signal }, means);
  for (const failure of failures) console.error(`clb-direct release: ${failure}`);
  say(failures.length === 0 ? 'the cluster is handed back' : 'not all is done: mend it and try again');
  return failures.length === 0 ? DONE : FAILED;
}

/** Undefined without a region, or with a key that is none: what was set up wrongly has to go as well. */
function accountOf(values: ReleaseOptionValues, environment: Environment, clock: Clock): ReleasedAccount | undefined {
  const { region, clusterName, clbEndpoint: endpoint } = values;
  if (region === undefined) return undefined;
  try {
    const transport = sdkClbTransport({
      region,
      endpoint,
      credentials: credentialsFromEnvironment(environment, clock),
    });
    return { cloud: clbCloud({ transport, clock, random: systemRandom() }), clusterName };
  } catch (error) {
    console.error(`clb-direct release: CLB cannot be called: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

async function readCleanup(path: string): Promise<NodeCleanup> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as NodeCleanup;
  } catch (cause) {
    throw new OptionError(`--node-cleanup-file: ${path}: ${(cause as Error).message}`, { cause });
  }
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
