import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACK, startCoordinator, type TestCoordinator, WELCOME } from './report/coordinator.fixture.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
/** Of an agent with 16 coordinators; histograms make most of them. */
const SERIES_MAX = 500;

const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.log('skipped: the health of a running agent is asked with curl, and there is no curl');

let folder: string;
let coordinator: TestCoordinator;
let agent: ChildProcess;
let metricsUrl: string;
/** Stands where the environment says that a proxy is. */
let proxy: Server;
let proxied: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-running-'));
  coordinator = await startCoordinator({
    folder,
    onCall: call => {
      call.write(WELCOME);
      call.on('data', () => call.write(ACK));
    },
  });
  const kubeconfig = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: { token: 't' } }],
  };
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  await writeFile(join(folder, 'token'), 'token');
  proxied = 0;
  proxy = createServer(socket => {
    proxied += 1;
    socket.destroy();
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  const env = { ...process.env, ...proxyVariables() };
  agent = spawn(process.execPath, [MAIN, ...argv()], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  metricsUrl = `http://127.0.0.1:${await metricsPort()}/metrics`;
});
afterAll(async () => {
  agent.kill('SIGCONT');
  agent.kill('SIGTERM');
  if (agent.exitCode === null) await once(agent, 'exit');
  coordinator.stop();
  await new Promise(resolve => proxy.close(resolve));
  await rm(folder, { recursive: true });
});

function argv(): string[] {
  const options = {
    'node-name': 'node1',
    coordinator: `127.0.0.1:${coordinator.port}`,
    'coordinator-ca-file': join(folder, 'ca.crt'),
    'token-file': join(folder, 'token'),
    kubeconfig: join(folder, 'kubeconfig'),
    'http-listen': '127.0.0.1:0',
    'health-socket': join(folder, 'health.sock'),
    runtime: 'none',
    redirect: 'nft',
    'nft-command': '/nonexistent',
    'dbus-socket': 'none',
    'metadata-address': 'none',
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

function proxyVariables(): Record<string, string> {
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const names = ['grpc_proxy', 'http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  return { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(names.map(name => [name, url])) };
}

/** From the line that says that the agent has started; what it says later is not kept. */
async function metricsPort(): Promise<number> {
  const lines = createInterface({ input: agent.stdout as NodeJS.ReadableStream });
  return await new Promise(resolve => {
    lines.on('line', line => {
      const { metricsPort } = JSON.parse(line) as { metricsPort?: number };
      if (metricsPort !== undefined) resolve(metricsPort);
    });
  });
}

const scrape = async () => (await fetch(metricsUrl)).text();

describe('the metrics of a running agent', () => {
  test('tell of its coordinators', async () => {
    await expect.poll(scrape, { timeout: 5_000 }).toContain('clb_direct_agent_report_streams{node="node1"} 1');
    const address = `127.0.0.1:${coordinator.port}`;
    expect(await scrape()).toContain(
      `clb_direct_agent_report_stream_state{coordinator="${address}",state="leading",node="node1"} 1`,
    );
  });

  test('are few, explained and of this node', async () => {
    const lines = (await scrape()).split('\n').filter(line => line !== '');
    const names = lines.filter(line => line.startsWith('# TYPE ')).map(line => line.split(' ')[2] ?? '');
    const explained = lines.filter(line => line.startsWith('# HELP ')).map(line => line.split(' ')[2] ?? '');
    expect(names.length).toBeGreaterThan(30);
    expect(explained).toEqual(names);
    for (const name of names) expect(name).toMatch(/^clb_direct_agent_/);
    const samples = lines.filter(line => !line.startsWith('#'));
    expect(samples.length).toBeLessThan(SERIES_MAX);
    for (const sample of samples) expect(sample).toMatch(/[{,]node="node1"[,}]/);
  });
});

test('no proxy of the environment is asked for the coordinators or the API server', async () => {
  await expect.poll(scrape).toMatch(/clb_direct_agent_pod_watch_errors_total\{node="node1"\} [1-9]/);
  expect(await scrape()).toContain('clb_direct_agent_report_streams{node="node1"} 1');
  expect(proxied).toBe(0);
});

describe.runIf(hasCurl)('the health of a running agent', () => {
  async function ask(what: string): Promise<string> {
    const options = ['-sm2', '-w', '%{http_code}', '--unix-socket', join(folder, 'health.sock')];
    return (await promisify(execFile)('curl', [...options, `http://agent/${what}`])).stdout;
  }

  test('tells that it lives, and what it waits for', async () => {
    expect(await ask('livez')).toBe('ok\n200');
    expect(await ask('readyz')).toMatch(/^the Pods of this node are not listed yet\n.*\n503$/);
  });

  test('is no answer within 2 s while it hangs', async () => {
    agent.kill('SIGSTOP');
    await expect(ask('livez')).rejects.toMatchObject({ code: 28 });
    agent.kill('SIGCONT');
    await expect.poll(() => ask('livez'), { timeout: 5_000 }).toBe('ok\n200');
  });
});
