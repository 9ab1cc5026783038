import { createReadStream } from 'node:fs';
import { INSTANCE_OPTIONS, namesFrom } from '../../common/instance-options.ts';
import { choice, integer, isHelpRequested, OptionError, parseOptions, text, usage } from '../../common/options.ts';
import { DEFAULT_INJECTION_POLICY } from '../webhook/inject.ts';
import { injectManifests, ManifestError } from './inject-manifests.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DONE = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;
const STANDARD_INPUT = '-';
const BYTES_MAX = 64 * 1024 * 1024;

const OPTIONS = {
  file: text({
    description: 'manifests in YAML or JSON; - for standard input; also -f',
    placeholder: 'FILE',
    required: true,
  }),
  drainSeconds: integer({
    description: 'what the grace period is raised by, where a Pod does not say it itself',
    default: DEFAULT_INJECTION_POLICY.drainSecondsDefault,
    minimum: 1,
    maximum: DEFAULT_INJECTION_POLICY.drainSecondsMax,
  }),
  hookMode: choice({
    description: 'redirect waits for the load balancer; sleep does not, for nodes without an agent',
    values: ['redirect', 'sleep'],
    default: 'redirect',
  }),
  ...INSTANCE_OPTIONS,
};

const USAGE = `Usage: clb-direct inject -f FILE [options]

Prints the manifests with readiness gate, preStop hook and grace period added to their Pods, so that they need no webhook.

${usage(OPTIONS)}`;

/** `clb-direct inject`: manifests on standard output, what was done on standard error. Resolves with the exit code. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(USAGE);
    return DONE;
  }
  try {
    const values = parseOptions(OPTIONS, argv.map(longName), environment);
    const { drainSeconds: drainSecondsDefault, hookMode } = values;
    const { text, remarks } = injectManifests(await read(values.file), {
      ...DEFAULT_INJECTION_POLICY,
      drainSecondsDefault,
      hookMode,
      names: namesFrom(values),
    });
    for (const remark of remarks) console.error(`clb-direct inject: ${remark}`);
    if (remarks.length === 0) console.error('clb-direct inject: no Pod and no template of Pods is in there');
    process.stdout.write(text);
    return DONE;
  } catch (error) {
    console.error(`clb-direct inject: ${error instanceof Error ? error.message : error}`);
    if (error instanceof OptionError) return BAD_CONFIGURATION;
    return FAILED;
  }
}

function longName(argument: string): string {
  return argument === '-f' ? '--file' : argument;
}

async function read(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Buffer> = file === STANDARD_INPUT ? process.stdin : createReadStream(file);
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new ManifestError(`${file} is larger than ${BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
