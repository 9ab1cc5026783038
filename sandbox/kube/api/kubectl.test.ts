import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { ADMIN, PODS, pod } from './fixtures.ts';
import { type ServedKubeApi, serveKubeApi } from './https-carrier.ts';
import { KubeApiServer } from './kube-api-server.ts';
import { kubeconfigYaml } from './kubeconfig.ts';
import { secureRandom } from './secure-random.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const DEPLOYMENT = 'deployment/nginx-deployment-eni';
const isInstalled = spawnSync('kubectl', ['version', '--client']).status === 0;
const suite = isInstalled ? 'kubectl' : 'kubectl (skipped: kubectl is not installed)';

let served: ServedKubeApi;
let server: KubeApiServer;
let home: string;

const INGRESS_AND_SETTINGS = [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      ingressClassName: 'clb-direct',
      tls: [{ secretName: 'certificate' }],
      rules: [
        {
          host: 'a.com',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  {
    apiVersion: 'cloud.tencent.com/v1alpha1',
    kind: 'TkeServiceConfig',
    metadata: { name: 'settings', namespace: 'default' },
    spec: { loadBalancer: { l7Listeners: [{ protocol: 'HTTP', port: 80 }] } },
  },
];

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function kubectl(...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, 'config') };
  return new Promise(resolve => {
    execFile('kubectl', args, { env, timeout: 20_000 }, (failure, out, error) => {
      const code = failure ? Number(failure.code ?? 1) : 0;
      resolve({ code, out: out.trim(), error: error.trim() });
    });
  });
}

/** Standard output of a command that must work. */
async function done(...args: string[]): Promise<string> {
  const { code, out, error } = await kubectl(...args);
  expect(`${code} ${error}`.trim(), `kubectl ${args.join(' ')}`).toBe('0');
  return out;
}

const field = (name: string, path: string) => done('get', name, '-o', `jsonpath={${path}}`);

async function call(method: 'POST' | 'PATCH', path: string, body: unknown): Promise<void> {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const { status, body: answer } = await server.request(ADMIN, { method, path, body, contentType });
  expect(status, JSON.stringify(answer)).toBeLessThan(300);
}

describe.skipIf(!isInstalled)(suite, () => {
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'clb-direct-kubectl-'));
    const clock = systemClock();
    server = new KubeApiServer({ clock, random: secureRandom() });
    served = await serveKubeApi({ server, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
    const token = server.issueUserToken(ADMIN);
    writeFileSync(join(home, 'config'), kubeconfigYaml({ ...served, token }));
    await call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
    await done('apply', '-f', EXAMPLES);
  });

  afterAll(async () => {
    await served.close();
    rmSync(home, { recursive: true });
  });

  test('applies the examples, and finds nothing to change the second time', async () => {
    expect(await done('apply', '-f', EXAMPLES)).toBe(
      'deployment.apps/nginx-deployment-eni unchanged\nservice/nginx-service-eni unchanged',
    );
    expect(await field('service/nginx-service-eni', '.spec.ports[0].port')).toBe('80');
  });

  test('gets them as tables, wide, and as YAML', async () => {
    expect(await done('get', 'service')).toMatch(
      /EXTERNAL-IP .*\nnginx-service-eni +LoadBalancer +10\.96\.\S+ +<pending>/,
    );
    expect(await done('get', 'deployment', '-o', 'wide')).toMatch(
      /CONTAINERS +IMAGES +SELECTOR\n.*nginx +nginx +app=nginx/,
    );
    expect(await done('get', 'all')).toContain('service/nginx-service-eni');
    expect(await done('get', DEPLOYMENT, '-o', 'yaml')).toContain('tke.cloud.tencent.com/networks: tke-route-eni');
  });

  test('applies an Ingress and a TkeServiceConfig, twice, and gets them as tables', async () => {
    const manifest = join(home, 'ingress.json');
    writeFileSync(manifest, INGRESS_AND_SETTINGS.map(object => JSON.stringify(object)).join('\n'));
    await done('apply', '-f', manifest);
    expect(await done('apply', '-f', manifest)).toBe(
      'ingress.networking.k8s.io/web unchanged\ntkeserviceconfig.cloud.tencent.com/settings unchanged',
    );
    expect(await done('get', 'ing')).toMatch(/CLASS +HOSTS +ADDRESS +PORTS +AGE\nweb +clb-direct +a\.com +80, 443 /);
    await done('patch', 'tsc', 'settings', '--type', 'merge', '-p', '{"spec":{"loadBalancer":{"l7Listeners":[]}}}');
    expect(await field('tsc/settings', '.spec.loadBalancer.l7Listeners')).toBe('[]');
  });

  test('refuses an Ingress whose path has no type', async () => {
    const path = { path: '/', backend: { service: { name: 'web', port: { number: 80 } } } };
    const body = { metadata: { name: 'bad' }, spec: { rules: [{ http: { paths: [path] } }] } };
    const { status, body: answer } = await server.request(ADMIN, {
      method: 'POST',
      path: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
      body,
    });
    expect(status).toBe(422);
    expect(JSON.stringify(answer)).toContain('spec.rules[0].http.paths[0].pathType: Required value');
  });

  test('shows the readiness gates of Pods', async () => {
    await call(
      'POST',
      PODS,
      pod('gated', { readinessGates: [{ conditionType: 'clb-direct.io/load-balancer-ready' }] }),
    );
    expect(await done('get', 'pod', 'gated', '-o', 'wide')).toMatch(/READINESS GATES\n.* 0\/1$/);
  });

  test('scales, sets an image, labels, annotates and restarts', async () => {
    await done('scale', DEPLOYMENT, '--replicas', '5');
    await done('set', 'image', DEPLOYMENT, 'nginx=echo');
    await done('label', DEPLOYMENT, 'team=a');
    await done('annotate', DEPLOYMENT, 'note=b');
    await done('rollout', 'restart', DEPLOYMENT);
    expect(await field(DEPLOYMENT, '.spec.replicas}{" "}{.spec.template.spec.containers[0].image')).toBe('5 echo');
    expect(await field(DEPLOYMENT, '.metadata.labels.team}{.metadata.annotations.note')).toBe('ab');
    expect(await field(DEPLOYMENT, '.spec.template.metadata.annotations')).toContain('restartedAt');
  });

  test('patches in three ways', async () => {
    await done(
      'patch',
      DEPLOYMENT,
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","tty":true}]}}}}',
    );
    await done('patch', DEPLOYMENT, '--type', 'merge', '-p', '{"metadata":{"labels":{"way":"merge"}}}');
    await done(
      'patch',
      DEPLOYMENT,
      '--type',
      'json',
      '-p',
      '[{"op":"add","path":"/metadata/labels/other","value":"json"}]',
    );
    expect(
      await field(DEPLOYMENT, '.spec.template.spec.containers[0].name}{.metadata.labels.way}{.metadata.labels.other'),
    ).toBe('nginxmergejson');
  });

  test('waits for a rollout and for a condition', async () => {
    const path = '/apis/apps/v1/namespaces/default/deployments/nginx-deployment-eni';
    await done('scale', DEPLOYMENT, '--replicas', '1');
    const watching = done('rollout', 'status', DEPLOYMENT);
    const waiting = done('wait', DEPLOYMENT, '--for=condition=Available', '--timeout=15s');
    const observedGeneration = Number(await field(DEPLOYMENT, '.metadata.generation'));
    const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
    const conditions = [{ type: 'Available', status: 'True' }];
    await call('PATCH', `${path}/status`, { status: { observedGeneration, ...counts, conditions } });
    expect(await watching).toContain('successfully rolled out');
    expect(await waiting).toContain('condition met');
  });

  test('cordons, drains and uncordons a node', async () => {
    await call('POST', PODS, pod('on-node'));
    await call('POST', `${PODS}/on-node/binding`, { target: { kind: 'Node', name: 'n1' } });
    await done('cordon', 'n1');
    expect(await done('get', 'node', 'n1')).toContain('SchedulingDisabled');
    const { out } = await kubectl('drain', 'n1', '--force', '--grace-period', '0', '--timeout', '10s');
    expect(out).toContain('pod/on-node evicted');
    await done('uncordon', 'n1');
  });

  test('creates from flags, which it sends as protobuf', async () => {
    await done('create', 'namespace', 'shop');
    await done('-n', 'shop', 'create', 'configmap', 'a', '--from-literal', 'key=value');
    await done('-n', 'shop', 'create', 'deployment', 'web', '--image=nginx', '--replicas=2', '--port=80');
    expect(await done('-n', 'shop', 'get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
    const token = await done('create', 'token', 'default');
    expect(server.authenticate(token)?.username).toBe('system:serviceaccount:default:default');
    await done('delete', 'namespace', 'shop');
    expect((await kubectl('get', 'namespace', 'shop')).error).toContain('not found');
  });

  test('follows a watch', async () => {
    const watching = kubectl('get', 'pods', '--watch', '--request-timeout', '3s', '--selector', 'seen=yes');
    await call('POST', PODS, pod('watched', { metadata: { labels: { seen: 'yes' } } }));
    expect((await watching).out).toMatch(/^watched +0\/1 +Pending/m);
  });

  test('deletes and waits for the end', async () => {
    await call('POST', PODS, pod('short-lived'));
    expect(await done('delete', 'pod', 'short-lived', '--wait')).toContain('pod "short-lived" deleted');
  });

  test.each([
    ['server-side apply', ['apply', '--server-side', '-f', EXAMPLES], 'Server-side apply not available'],
    ['logs', ['logs', 'gated'], 'does not implement pods/log'],
    ['a dry run of the server', ['apply', '--dry-run=server', '-f', EXAMPLES], 'does not implement dry runs'],
    ['a kind that is not there', ['get', 'gateway'], `doesn't have a resource type "gateway"`],
  ])('is told plainly that there is no such thing as %s', async (_what, args, why) => {
    const { code, error } = await kubectl(...args);
    expect(code).not.toBe(0);
    expect(error).toContain(why);
  });
});
