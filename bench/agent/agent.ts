import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../tools/bundle-product.ts';
import { AGENT_NODE_FLAGS } from '../../tools/node-flags.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult } from '../benchmark.ts';
import { agentSummary } from './agent-summary.ts';
import { agentText, missedAgentGoals } from './agent-text.ts';
import { measureDrainScan } from './drain-scan.ts';
import { measureAgent } from './measure-agent.ts';

const PROGRAMS = {
  agent: 'agent/main.ts',
  skeleton: 'bench/agent/skeleton-main.ts',
  scan: 'bench/agent/scan-main.ts',
};

export const agent: Benchmark = {
  name: 'agent',
  summary:
    'a real agent on a node of 100 Pods: memory, CPU, traffic, start, counting of connections, exits (--minutes)',
  run: runAgentBenchmark,
};

async function runAgentBenchmark({ clock, say, minutes }: BenchmarkContext): Promise<BenchmarkResult> {
  const folder = await mkdtemp(join(tmpdir(), 'clb-direct-bundle-'));
  try {
    await bundle(PROGRAMS, folder);
    const program = (name: keyof typeof PROGRAMS) => [...AGENT_NODE_FLAGS, join(folder, `${name}.mjs`)];
    const programs = { agent: program('agent'), skeleton: program('skeleton') };
    const figures = await measureAgent({ clock, say, minutes, programs });
    say('agent: counting of connections');
    const scan = await measureDrainScan(program('scan'));
    const json = agentSummary({ figures, scan, minutes, loadAverage: loadavg()[1] ?? Number.NaN });
    return { text: agentText(json, scan), json, missedGoals: missedAgentGoals(json) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
