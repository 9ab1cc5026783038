import { parseArgs } from 'node:util';
import { type ClusterSize, sizeOf } from './size.ts';

export interface ScaleOptions {
  /** What the cluster is called. */
  readonly name: string;
  readonly size: ClusterSize;
  /** Pods that are deleted one after another, at each latency of the cloud. */
  readonly deletions: number;
  /** Leaders that are killed; half as many are frozen. */
  readonly deaths: number;
}

const DEFAULTS = { name: 'clb-direct-scale', nodes: 1_000, deletions: 100, deaths: 4 } as const;

export const USAGE = `Usage: npm run bench:scale-cluster -- [options]

Brings up a real API server with its etcd, controllers and scheduler, stands nodes, Pods and agents of this program before
it, runs two coordinators, measures and prints a table; docs/benchmarks.md says what the figures mean. Takes root on Linux.
Nothing is left behind.

  --nodes N        nodes, each with an agent and its report streams (${DEFAULTS.nodes})
  --pods N         Pods, all of them behind a Service (10 for each node)
  --services N     Services, each with a load balancer of its own (one for 20 nodes)
  --rolling N      Pods of the Deployment that is updated (300; at most half of the Pods)
  --deletions N    Pods that are deleted one after another, at each latency of the cloud (${DEFAULTS.deletions})
  --deaths N       leaders that are killed; half as many are frozen (${DEFAULTS.deaths})
  --name CLUSTER   what the cluster is called (${DEFAULTS.name}); with a name of its own it runs beside another one
  --help           print this

Exit code: 0 when it was measured, 1 when something failed, 2 for a bad command line.
`;

/** Undefined: help is asked for. @throws Error that names the option and its value */
export function scaleOptions(argv: readonly string[]): ScaleOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ nodes: text, pods: text, services: text, rolling: text, deletions: text, deaths: text, name: text },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const number = (option: 'nodes' | 'pods' | 'services' | 'rolling' | 'deletions' | 'deaths', value: number) =>
    positive(option, values[option] ?? String(value));
  const usual = sizeOf(number('nodes', DEFAULTS.nodes));
  const pods = number('pods', usual.pods);
  const services = number('services', usual.services);
  const size = { ...usual, pods, services, rolling: number('rolling', Math.min(usual.rolling, Math.floor(pods / 2))) };
  if (size.rolling > pods / 2) throw new Error(`--rolling "${size.rolling}": at most half of the ${pods} Pods`);
  if (services < 2) throw new Error(`--services "${services}": at least 2, one of them for the Deployment`);
  const rest = { deletions: number('deletions', DEFAULTS.deletions), deaths: number('deaths', DEFAULTS.deaths) };
  return { name: values.name ?? DEFAULTS.name, size, ...rest };
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`--${option} "${value}": use a whole number above 0`);
}
