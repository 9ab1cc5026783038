import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from './main.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const REQUIRED = ['--node-name', 'node1', '--coordinator', '127.0.0.1:1', '--coordinator-ca-file', '/nonexistent'];
/** Nothing outside of this machine is asked, and nothing tried on its firewall. */
const ALONE = ['--dbus-socket', 'none', '--metadata-address', 'none', '--redirect', 'nft'];

describe('the command line', () => {
  let said: string[];

  beforeEach(() => {
    said = [];
    vi.spyOn(console, 'log').mockImplementation(text => said.push(text));
    vi.spyOn(console, 'error').mockImplementation(text => said.push(text));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('tells its options and ends well when asked', async () => {
    expect(await main(['--help'], {})).toBe(0);
    expect(said.join()).toContain('--drain-listen');
  });

  test('tells what is missing on this node, and ends with code 1 when it is needed', async () => {
    const nowhere = ['--runtime-socket', '/nonexistent', '--redirect', 'off', '--metadata-address', 'none'];
    const argv = [...REQUIRED, ...nowhere, '--check', '--http-listen', '127.0.0.1:0'];
    expect(await main(argv, {})).toBe(1);
    const table = said.join('\n');
    expect(table).toMatch(/^API server +MISSING {2}KUBERNETES_SERVICE_HOST is not set/m);
    expect(table).toMatch(/^container runtime +without /m);
    expect(table).toMatch(/^port of --http-listen +ok /m);
    expect(table).toMatch(/^The agent misses \d+ of what it needs on this node/m);
  });

  test.each<[string, string[], string]>([
    ['an option that is missing', [], 'clb-direct agent: --node-name (or CLB_DIRECT_NODE_NAME) is required'],
    [
      'an option that is unknown',
      ['--nodename', 'n'],
      "clb-direct agent: Unknown option '--nodename'; --help lists the options",
    ],
    [
      'a place outside of any cluster',
      REQUIRED,
      'clb-direct agent: KUBERNETES_SERVICE_HOST is not set, so this is no Pod: name a file with --kubeconfig',
    ],
  ])('ends with one line and code 2 for %s', async (_, argv, expected) => {
    expect(await main(argv, {})).toBe(2);
    expect(said).toEqual([expected]);
  });
});

describe('the process', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clb-direct-agent-'));
    const kubeconfig = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { token: 't' } }],
    };
    await writeFile(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('serves its metrics though nothing else answers, and ends with code 0 on SIGTERM', async () => {
    const argv = [...REQUIRED, ...ALONE, '--kubeconfig', join(folder, 'kubeconfig'), '--http-listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise(resolve => child.once('exit', resolve));
    try {
      const metricsPort = await portOf(child.stdout);
      const url = `http://127.0.0.1:${metricsPort}`;
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('clb_direct_agent_hooks_held{node="node1"} 0');
      expect((await fetch(`${url}/`)).status).toBe(404);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).toBe(0);
  });
});

/** From the line that says that the agent has started. */
async function portOf(stdout: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input: stdout })) {
    const { metricsPort } = JSON.parse(line) as { metricsPort?: number };
    if (metricsPort !== undefined) return metricsPort;
  }
  throw new Error('the agent ended without saying that it started');
}
