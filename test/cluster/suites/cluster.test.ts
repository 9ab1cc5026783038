import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../common/clock.ts';
import { openCluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly { type: string; status: string }[];
    readonly containerStatuses: readonly { restartCount: number; imageID: string }[];
  };
}

const clock: Clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const deployment = 'deployment/nginx-deployment-eni';
const examples = join(import.meta.dirname, '../../../examples');

const nginxPods = async () => (await cluster.get<{ items: Pod[] }>(['pods', '--selector=app=nginx'])).items;

async function firstNginxPod(): Promise<Pod> {
  const [pod] = await nginxPods();
  if (pod === undefined) throw new Error('no nginx Pod');
  return pod;
}

async function get(host: string, localAddress: string): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const asked = request({ host, localAddress, path: '/' }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks = await response.toArray();
  return { headers: response.headers, body: Buffer.concat(chunks).toString() };
}

afterAll(async () => {
  await cluster.kubectl(['delete', '--ignore-not-found', '--wait=false', '--filename', examples]);
});

describe('the cluster', () => {
  test('has three Ready nodes with network interfaces to give away', async () => {
    const { items } = await cluster.get<{ items: { status: Pod['status'] & { allocatable: object } }[] }>(['nodes']);
    expect(items).toHaveLength(3);
    for (const { status } of items) {
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
      expect(status.allocatable).toHaveProperty(['tke.cloud.tencent.com/eni-ip']);
    }
  });

  test('runs the seed Deployment unchanged, with the image from its own registry', async () => {
    await cluster.kubectl(['apply', '--filename', examples]);
    await cluster.kubectl(['rollout', 'status', deployment, '--timeout=60s']);
    const pods = await nginxPods();
    expect(pods).toHaveLength(3);
    for (const pod of pods) {
      expect(pod.status.containerStatuses[0]?.imageID).toMatch(/^docker\.io\/library\/nginx@sha256:/);
    }
  });

  test("brings the client's own address to nginx, which answers with it and logs it", async () => {
    const pod = await firstNginxPod();
    // The clients of other suites count up from 1, and their requests stand in the same log.
    const address = '10.250.1.250';
    const { headers, body } = await get(pod.status.podIP, address);
    expect(headers['x-client-address']).toBe(address);
    expect(JSON.parse(body)).toEqual({ pod: pod.metadata.name });
    const logged = await waitUntil(clock, 'the request in the log', 5_000, () =>
      cluster.loggedRequests().find(({ client }) => client === address),
    );
    expect(logged).toMatchObject({ pod: pod.metadata.name, path: '/', status: 200, completion: 'OK' });
  });

  test('lets kubectl run a command in a container and read its log', async () => {
    await cluster.kubectl(['exec', deployment, '--', '/usr/sbin/nginx', '-t']);
    expect(await cluster.kubectl(['logs', deployment])).toContain('start worker process');
  });

  test('answers on the address of the Service kubernetes from a node', async () => {
    const ask = ['kubectl', '--server=https://10.96.0.1', 'get', '--raw', '/readyz'];
    expect((await cluster.runOnNode('node2', ask)).stdout).toBe('ok');
  });

  test("shows a process on a node that node's network and the processes of its Pods", async () => {
    const pod = await firstNginxPod();
    const process = await cluster.spawnOnNode(pod.spec.nodeName, ['sleep', '60'], { name: 'on-node' });
    const { stdout } = await cluster.runOnNode(pod.spec.nodeName, [
      'sh',
      '-c',
      'ip -4 -o addr; cat /proc/[0-9]*/cgroup',
    ]);
    expect(stdout).toContain(`10.250.0.${10 + Number(pod.spec.nodeName.slice(4))}/24`);
    expect(stdout).toContain(pod.metadata.uid);
    expect(await process.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('issues tokens that name the node they are bound to', async () => {
    const audience = 'clb-direct';
    const bound = { namespace: 'default', serviceAccount: 'default', audience };
    const token = await cluster.createBoundToken({ ...bound, boundTo: { kind: 'Node', name: 'node3' } });
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    };
    const answer = await cluster.kubectl(['create', '--output=json', '--filename=-'], JSON.stringify(review));
    expect(JSON.parse(answer).status.user.extra['authentication.kubernetes.io/node-name']).toEqual(['node3']);
  });

  test('records preStop, SIGTERM and exit of a container in their order', async () => {
    const preStop = { sleep: { seconds: 1 } };
    const container = { name: 'echo', image: 'echo', lifecycle: { preStop } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hooked' }, spec: { containers: [container] } };
    await cluster.kubectl(['create', '--filename=-'], JSON.stringify(pod));
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/hooked', '--timeout=60s']);
    await cluster.kubectl(['delete', 'pod/hooked']);
    const moments = cluster.containerMoments().find(({ container }) => container === 'echo');
    const { preStop: hook, terminatedAtMs = 0, exitedAtMs = 0 } = moments ?? {};
    expect(moments).toMatchObject({ pod: 'hooked', namespace: 'default', exitCode: 0 });
    expect(hook).toMatchObject({ outcome: 'completed' });
    expect((hook?.endedAtMs ?? 0) - (hook?.begunAtMs ?? 0)).toBeGreaterThan(990);
    expect(terminatedAtMs).toBeGreaterThan(hook?.endedAtMs ?? Infinity);
    expect(exitedAtMs).toBeGreaterThan(terminatedAtMs);
  });

  test('brings a node that lost power back with its Pods', async () => {
    const { metadata, spec } = await firstNginxPod();
    await cluster.stopNode(spec.nodeName);
    expect(() => cluster.nodePid(spec.nodeName)).toThrow('is not up');
    await cluster.startNode(spec.nodeName);
    await waitUntil(clock, 'the Pod to run again', 60_000, async () => {
      const { status } = await cluster.get<Pod>(['pod', metadata.name]);
      const ready = status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
      return ready && status.containerStatuses[0]?.restartCount === 1;
    });
    const lives = cluster.containerMoments().filter(({ podUid }) => podUid === metadata.uid);
    expect(lives).toHaveLength(2);
  });
});
