import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../../common/kube/objects.ts';
import type { Sandbox } from '../cluster/start-sandbox.ts';
import type { CounterValues } from '../images/request-counters.ts';
import { COUNTER_FILE, type Side } from './workloads.ts';

export interface PodCounts {
  /** Requests whose answer was handed over whole. */
  readonly served: number;
  readonly aborted: number;
  /** Pods that count themselves, and their names. */
  readonly pods: ReadonlySet<string>;
}

/** The Pods' own counts: of those that have ended from their nodes' files, of the others by asking them. */
export async function podCounts(
  sandbox: Sandbox,
  side: Side,
  alive: readonly Pod[],
  signal: AbortSignal,
): Promise<PodCounts> {
  const ended = sandbox.plan.nodes.flatMap(({ name }) => countsIn(join(sandbox.folder, name, COUNTER_FILE)));
  const answers = await Promise.all(alive.map(pod => ask(pod, signal)));
  const all = [...ended.filter(({ podName }) => podName.startsWith(`${side}-`)), ...answers];
  return {
    served: all.reduce((total, { served }) => total + served, 0),
    aborted: all.reduce((total, { aborted }) => total + aborted, 0),
    pods: new Set(all.map(({ podName }) => podName)),
  };
}

function countsIn(file: string): CounterValues[] {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map(line => JSON.parse(line) as CounterValues);
  } catch (error) {
    // No Pod of this node has ended.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function ask(pod: Pod, signal: AbortSignal): Promise<CounterValues> {
  const port = pod.spec.containers[0]?.ports?.[0]?.containerPort;
  const response = await fetch(`http://${pod.status?.podIP}:${port}/counters`, { signal });
  return (await response.json()) as CounterValues;
}
