import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get as httpGet, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import { seededRandom } from '../../../common/random.ts';
import { builtInImages } from '../../images/built-in-images.ts';
import { inProcessKubeTransport } from '../api/in-process.ts';
import { KubeApiServer } from '../api/kube-api-server.ts';
import { type KubeClient, kubeClient } from '../kube-client.ts';
import { collectionPath } from '../resource-path.ts';
import { ChildProcessRuntime } from './child-process-runtime.ts';
import { diskVolumes } from './disk-volumes.ts';
import type { KubeletRecord } from './kubelet-record.ts';
import { NodeDirectory } from './node-directory.ts';
import { redirectingNetwork } from './redirecting-network.ts';
import { runKubelet } from './run-kubelet.ts';

const NODE_ADDRESS = '127.91.0.1';
const PORT = '18080';
const PODS = collectionPath('pods', 'default');
const clock = systemClock();

/** One node with real processes and sockets. */
class RealNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'clb-direct-node-'));
  readonly directory = new NodeDirectory(join(this.folder, 'node1'));
  readonly records: KubeletRecord[] = [];
  readonly client: KubeClient;
  readonly runtime: ChildProcessRuntime;
  readonly #stop = new AbortController();
  readonly #kubelet: Promise<void>;

  constructor() {
    const random = seededRandom(1);
    const server = new KubeApiServer({ clock, random });
    const user = { username: 'admin', groups: ['system:masters'] };
    const transport = inProcessKubeTransport({ server, user, clock });
    this.client = kubeClient(transport, clock);
    const { directory, client, records } = this;
    const log = () => undefined;
    this.runtime = new ChildProcessRuntime({ directory, random, programOf: builtInImages(), environment: {} });
    const node = {
      name: 'node1',
      address: NODE_ADDRESS,
      podCidr: '127.91.1.0/24',
      providerId: 'qcloud:///800001/ins-1',
      capacity: { cpu: '8', memory: '16Gi' },
    };
    const quick = { min: 0, max: 10 };
    this.#kubelet = runKubelet(
      {
        transport,
        clock,
        random,
        node,
        containers: this.runtime,
        network: redirectingNetwork({ clock, directory, nodeAddress: NODE_ADDRESS }),
        volumes: diskVolumes({ directory, client, clock, log }),
        timing: { syncMs: quick, statusMs: quick, startMs: quick },
        log,
        record: record => records.push(record),
      },
      this.#stop.signal,
    );
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async createPod(
    name: string,
    container: Partial<Pod['spec']['containers'][number]>,
    spec: object = {},
  ): Promise<Pod> {
    const env = [{ name: 'PORT', value: PORT }, ...(container.env ?? [])];
    const readinessProbe = { httpGet: { port: Number(PORT), path: '/' }, periodSeconds: 1 };
    const containers = [{ name: 'main', image: 'echo', readinessProbe, ...container, env }];
    const body = { metadata: { name }, spec: { nodeName: 'node1', ...spec, containers } };
    await this.client.create(PODS, body, this.signal);
    return this.pod(name, ({ status }) =>
      status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
  }

  /** The Pod as soon as `condition` holds. */
  async pod(name: string, condition: (pod: Pod) => boolean | undefined): Promise<Pod> {
    for (;;) {
      const pod = await this.client.get<Pod>(`${PODS}/${name}`, this.signal);
      if (condition(pod)) return pod;
      await sleep(clock, 20, this.signal);
    }
  }

  async deletePod(name: string): Promise<void> {
    await this.client.delete(`${PODS}/${name}`, {}, this.signal);
    while (!this.records.some(({ podName, type }) => podName === name && type === 'removed')) {
      await sleep(clock, 20, this.signal);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#kubelet;
    await this.runtime[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let node: RealNode;
beforeEach(() => {
  node = new RealNode();
});
afterEach(() => node.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

function get(pod: Pod, path: string, onBegin = () => {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: pod.status?.podIP, port: Number(PORT), path, localAddress: '127.91.9.9', agent: false };
    const request = httpGet(options, response => {
      onBegin();
      let body = '';
      response.on('error', reject);
      response.setEncoding('utf8').on('data', text => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    request.on('error', reject);
  });
}

/** Runs the node's nft as an agent does. */
function nft(...commands: object[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const args = ['-j', JSON.stringify({ nftables: commands })];
    const child = spawn(join(node.directory.programs, 'nft'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('close', resolve);
  });
}

test('echo tells the client, and a response in flight at SIGTERM is finished', async () => {
  const counterFile = join(node.folder, 'counters');
  const pod = await node.createPod('a', { image: 'echo:1', env: [{ name: 'COUNTER_FILE', value: counterFile }] });
  const { body, headers } = await get(pod, '/');
  expect(JSON.parse(body)).toMatchObject({ pod: 'a', clientAddress: '127.91.9.9' });
  expect(headers['x-served-by']).toBe('a');
  const held = get(pod, '/hold?seconds=0.5');
  // Accepted after the other, so that both are in flight when it begins.
  const begun = Promise.withResolvers<void>();
  const streamed = get(pod, '/stream?seconds=0.5', begun.resolve);
  await begun.promise;
  await node.deletePod('a');
  expect((await held).status).toBe(200);
  expect((await streamed).body).toMatch(/\nend\n$/);
  expect(JSON.parse(readFileSync(counterFile, 'utf8'))).toMatchObject({ podName: 'a', served: 3, aborted: 0 });
});

test('nginx drops live connections at SIGTERM and ends with 0', async () => {
  const pod = await node.createPod('a', { image: 'nginx' });
  expect((await get(pod, '/')).body).toContain('Welcome to nginx!');
  expect((await get(pod, '/missing')).status).toBe(404);
  await node.deletePod('a');
  expect(node.records.find(({ type }) => type === 'exited')).toMatchObject({ exitCode: 0 });
  await expect(get(pod, '/')).rejects.toThrow(/ECONNREFUSED/);
});

test("a hook call goes to the agent's port where nft says so, names the Pod, and stands in the socket table", async () => {
  const calls: { host: string | undefined; table: string; port: number | undefined }[] = [];
  const agent = createServer((request, response) => {
    const table = readFileSync(join(node.directory.path, 'proc/net/tcp'), 'utf8');
    calls.push({ host: request.headers.host, table, port: request.socket.remotePort });
    response.end();
  });
  await new Promise<void>(resolve => agent.listen(0, NODE_ADDRESS, resolve));
  const preStop = { httpGet: { port: 19440, path: '/v1/drain' } };
  const pod = await node.createPod('a', { lifecycle: { preStop } });
  const table = { family: 'ip', table: 'clb_direct' };
  const set = { ...table, name: 'pods', type: 'ipv4_addr', elem: [pod.status?.podIP] };
  const chain = { ...table, name: 'output', type: 'nat', hook: 'output', prio: -105, policy: 'accept' };
  const redirect = { redirect: { port: (agent.address() as AddressInfo).port } };
  const rule = { ...table, chain: 'output', expr: [{ match: { op: '==', right: '@pods' } }, redirect] };
  const added = [{ table: { family: 'ip', name: 'clb_direct' } }, { set }, { chain }, { rule }];
  expect(await nft(...added.map(add => ({ add })))).toBe(0);
  await node.deletePod('a');
  agent.close();
  const [call] = calls;
  expect(call?.host).toBe(`${pod.status?.podIP}:19440`);
  const port = call?.port?.toString(16).toUpperCase().padStart(4, '0');
  expect(call?.table).toContain(` 01005B7F:${port} 02015B7F:4BF0 01 `);
  const kinds = node.records.map(record => record.type);
  expect(kinds.indexOf('preStopEnded')).toBeLessThan(kinds.indexOf('signalled'));
});

test('without a redirect the hook is refused and SIGTERM follows', async () => {
  await node.createPod('a', { lifecycle: { preStop: { httpGet: { port: 19440, path: '/v1/drain' } } } });
  await node.deletePod('a');
  expect(node.records.find(({ type }) => type === 'preStopEnded')).toMatchObject({ outcome: { type: 'failed' } });
});

test('a running container shows under proc with its Pod, and is gone from there after its exit', async () => {
  const pod = await node.createPod('a', {});
  const processes = () => readdirSync(join(node.directory.path, 'proc')).filter(name => /^\d+$/.test(name));
  const [processId = ''] = processes();
  const folder = join(node.directory.path, 'proc', processId);
  expect(readFileSync(join(folder, 'cgroup'), 'utf8')).toContain(`/kubepods/pod${pod.metadata.uid}/`);
  expect(existsSync(join(folder, 'net/tcp'))).toBe(true);
  await node.deletePod('a');
  expect(processes()).toEqual([]);
});

test('volumes are files that arguments name by their mount path', async () => {
  const configMap = { metadata: { name: 'settings' }, data: { port: '18081' } };
  await node.client.create(collectionPath('configmaps', 'default'), configMap, node.signal);
  const token = { serviceAccountToken: { path: 'token', audience: 'clb-direct', expirationSeconds: 600 } };
  const volumes = [
    { name: 'identity', projected: { sources: [token, { configMap: { name: 'settings' } }] } },
    { name: 'proc', hostPath: { path: '/proc' } },
  ];
  const volumeMounts = [
    { name: 'identity', mountPath: '/var/run/identity' },
    { name: 'proc', mountPath: '/host/proc' },
  ];
  const env = [{ name: 'COUNTER_FILE', value: '/var/run/identity/counters' }];
  const pod = await node.createPod('a', { env, volumeMounts }, { volumes });
  const folder = join(node.directory.path, 'volumes', pod.metadata.uid ?? '', 'identity');
  const review = { spec: { token: readFileSync(join(folder, 'token'), 'utf8'), audiences: ['clb-direct'] } };
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const answer = await node.client.create<{ status: { authenticated: boolean } }>(path, review, node.signal);
  expect(answer.status.authenticated).toBe(true);
  expect(readFileSync(join(folder, 'port'), 'utf8')).toBe('18081');
  await node.deletePod('a');
  expect(existsSync(folder)).toBe(false);
});

test('a container that cannot listen says why in its status', async () => {
  const containers = [{ name: 'main', image: 'echo', args: ['--port', 'eighty'] }];
  await node.client.create(PODS, { metadata: { name: 'a' }, spec: { nodeName: 'node1', containers } }, node.signal);
  const hasFailed = ({ status }: Pod) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0;
  const { status } = await node.pod('a', hasFailed);
  expect(JSON.stringify(status?.containerStatuses?.[0])).toContain('PORT must be a port number');
});
