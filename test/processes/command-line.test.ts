import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AGENT_OPTIONS } from '../../agent/options.ts';
import { COORDINATOR_OPTIONS } from '../../coordinator/options.ts';

const CLI = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const TIMEOUT_MS = 20_000;

const AGENT = ['agent', '--node-name', 'n1', '--coordinator', '127.0.0.1:1', '--coordinator-ca-file', '/nonexistent'];
const COORDINATOR = [
  ['coordinator', '--region', 'ap-guangzhou', '--vpc-id', 'vpc-1'],
  ['--pod-name', 'c1', '--pod-uid', 'u1'],
  ['--grpc-listen', '127.0.0.1:0', '--webhook-listen', '127.0.0.1:0'],
].flat();
const KEY = { TENCENTCLOUD_SECRET_ID: 'id', TENCENTCLOUD_SECRET_KEY: 'key' };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real process from source, with nothing of this one's environment but the path. */
function run(argv: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', ...environment };
  const child = spawn(process.execPath, [CLI, ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', code => resolve({ code, ...said }));
  });
}

let folder: string;
let kubeconfig: string;
let occupant: Server;
let occupied: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-processes-'));
  kubeconfig = join(folder, 'kubeconfig');
  const content = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: { token: 't' } }],
  };
  await writeFile(kubeconfig, JSON.stringify(content));
  await writeFile(join(folder, 'nonsense'), '{ not: [yaml');
  await writeFile(join(folder, 'no-context'), JSON.stringify({ ...content, 'current-context': 'other' }));
  occupant = createServer();
  await new Promise<void>(resolve => occupant.listen(0, '127.0.0.1', resolve));
  const address = occupant.address();
  occupied = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});

afterAll(async () => {
  occupant.close();
  await rm(folder, { recursive: true });
});

function fileNamed(name: string): string {
  return join(folder, name);
}

describe('a configuration that cannot be used ends the process with code 2 and one line', () => {
  test.each<[string, () => string[], Record<string, string>, RegExp]>([
    ['no command', () => [], {}, /^clb-direct: no command; --help/],
    ['an unknown command', () => ['agnet'], {}, /^clb-direct: no command 'agnet'; --help/],
    ['agent: an unknown flag', () => [...AGENT, '--nod-name', 'x'], {}, /^clb-direct agent: .*'--nod-name'.*--help/],
    ['agent: a flag given twice', () => [...AGENT, '--node-name', 'x'], {}, /^clb-direct agent: --node-name.*twice/],
    [
      'agent: a bad value',
      () => [...AGENT, '--drain-seconds', 'soon'],
      {},
      /^clb-direct agent: --drain-seconds: 'soon' must be a whole number from 0 to 86400/,
    ],
    [
      'agent: a bad value in the environment',
      () => AGENT,
      { CLB_DIRECT_LOG_LEVEL: 'loud' },
      /^clb-direct agent: CLB_DIRECT_LOG_LEVEL: 'loud' must be one of debug, info, warn, error/,
    ],
    ['agent: a missing flag', () => AGENT.slice(0, 5), {}, /^clb-direct agent: --coordinator-ca-file .*is required/],
    [
      'agent: a kubeconfig that does not exist',
      () => [...AGENT, '--kubeconfig', '/nonexistent/config'],
      {},
      /^clb-direct agent: .*\/nonexistent\/config/,
    ],
    [
      'agent: a kubeconfig that is no YAML',
      () => [...AGENT, '--kubeconfig', fileNamed('nonsense')],
      {},
      /^clb-direct agent: .*nonsense is not readable as YAML/,
    ],
    [
      'coordinator: a kubeconfig without its context',
      () => [...COORDINATOR, '--kubeconfig', fileNamed('no-context')],
      KEY,
      /^clb-direct coordinator: .*no-context: there is no context 'other'/,
    ],
    ['coordinator: no kubeconfig and no Pod', () => COORDINATOR, KEY, /^clb-direct coordinator: .*--kubeconfig/],
    [
      'coordinator: an unknown flag',
      () => [...COORDINATOR, '--vpcid', 'x'],
      KEY,
      /^clb-direct coordinator: .*'--vpcid'.*--help/,
    ],
    [
      'coordinator: a missing flag',
      () => ['coordinator', '--region', 'ap-guangzhou'],
      KEY,
      /^clb-direct coordinator: --vpc-id \(or CLB_DIRECT_VPC_ID\) is required/,
    ],
    [
      'coordinator: an endpoint that is no URL',
      () => [...COORDINATOR, '--clb-endpoint', 'clb.example'],
      KEY,
      /^clb-direct coordinator: .*clb\.example/,
    ],
    [
      'coordinator: a lease shorter than its renewal',
      () => [...COORDINATOR, '--lease-duration-ms', '1000'],
      KEY,
      /^clb-direct coordinator: .*lease/i,
    ],
    [
      'coordinator: half a key',
      () => [...COORDINATOR, '--kubeconfig', kubeconfig],
      { TENCENTCLOUD_SECRET_ID: 'id' },
      /^clb-direct coordinator: TENCENTCLOUD_SECRET_KEY is not set/,
    ],
  ])('%s', async (_, argv, environment, expected) => {
    const { code, stdout, stderr } = await run(argv(), environment);
    expect({ code, stdout, lines: stderr.split('\n').length - 1 }).toEqual({ code: 2, stdout: '', lines: 1 });
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('    at ');
  });
});

describe('a port that may not be had ends the process with code 1 and one line', () => {
  test.each<[string, () => string[]]>([
    ['agent: --http-listen', () => [...AGENT, '--kubeconfig', kubeconfig, '--http-listen', occupied]],
    ['agent: --drain-listen', () => [...AGENT, '--kubeconfig', kubeconfig, '--drain-listen', occupied]],
    ['coordinator: --http-listen', () => [...COORDINATOR, '--kubeconfig', kubeconfig, '--http-listen', occupied]],
  ])('%s', async (name, argv) => {
    const { code, stderr } = await run(argv(), KEY);
    expect({ code, lines: stderr.split('\n').length - 1 }).toEqual({ code: 1, lines: 1 });
    const [part, flag] = name.split(': ');
    expect(stderr.trimEnd()).toBe(`clb-direct ${part}: ${flag} ${occupied}: address already in use`);
  });
});

describe('help', () => {
  test.each([
    ['agent', AGENT_OPTIONS],
    ['coordinator', COORDINATOR_OPTIONS],
  ] as const)('of the %s lists every flag and ends well', async (command, options) => {
    const { code, stdout, stderr } = await run([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const key of Object.keys(options)) {
      expect(stdout).toContain(`--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)} `);
    }
  });

  test('of the program names its commands', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/agent.*\n.*coordinator/);
  });
});

describe('clb-direct inject', () => {
  const manifest = 'kind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web }] } # one\n';

  test('prints the manifest with what was added, and tells on the other stream what that is', async () => {
    await writeFile(fileNamed('pod.yaml'), manifest);
    const { code, stdout, stderr } = await run(['inject', '-f', fileNamed('pod.yaml')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/conditionType: clb-direct.io\/load-balancer-ready/);
    expect(stdout).toMatch(/# one/);
    expect(stderr).toMatch(/^clb-direct inject: Pod web: added the readiness gate, preStop \(redirect\)/);
  });

  test.each<[string, readonly string[], number, RegExp]>([
    ['without a file', [], 2, /--file .* is required/],
    ['with a file that is not there', ['-f', '/nonexistent'], 1, /no such file/],
    ['with an unknown option', ['-f', '-', '--hook-mode', 'loopback'], 2, /must be one of redirect, sleep/],
  ])('%s ends with a reason and prints nothing', async (_name, argv, code, reason) => {
    const ended = await run(['inject', ...argv]);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(reason);
  });
});
