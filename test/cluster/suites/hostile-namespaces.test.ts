import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { openCluster } from '../harness.ts';
import { helmApply } from '../product/chart.ts';
import { echoObjects, rolledOut, virtualAddressOf } from '../product/echo-workload.ts';
import { echoReplicas, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { names } from '../product/names.ts';
import { openAddresses } from '../product/open-addresses.ts';
import { startRewritingWebhook } from '../product/rewriting-webhook.ts';
import { damageUpkeep } from '../product/upkeep-damage.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const inNamespace = `--namespace=${names.namespace}`;
const timeoutMs = 240_000;
const hook = { preStop: { httpGet: { port: 19_440, path: '/v1/drain' } } };
const readinessGates = [{ conditionType: 'clb-direct.io/load-balancer-ready' }];

let stage: InstalledStage;

const apply = (object: object) => cluster.kubectl(['apply', '--filename=-'], JSON.stringify(object));

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
}, 180_000);

afterAll(() => stage?.end(), 240_000);

describe('the loop is closed and nothing is lost in a rolling update', () => {
  test.each(['baseline', 'restricted'])(
    'in a namespace that enforces Pod Security "%s"',
    async level => {
      const namespace = `pss-${level}`;
      await stage.makeNamespace(namespace, { 'pod-security.kubernetes.io/enforce': level });
      await stage.updateLosesNothing(namespace, await stage.deploy(namespace));
    },
    timeoutMs,
  );

  test(
    'under a ResourceQuota that leaves room for one Pod more, and a LimitRange',
    async () => {
      const namespace = 'narrow';
      await stage.makeNamespace(namespace);
      const hard = { pods: String(echoReplicas + 1), 'limits.memory': '1Gi', 'requests.cpu': '1' };
      const limits = [
        { type: 'Container', default: { memory: '128Mi' }, defaultRequest: { cpu: '10m' }, min: { cpu: '5m' } },
      ];
      await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'all', namespace }, spec: { hard } });
      await apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'all', namespace }, spec: { limits } });
      await stage.updateLosesNothing(namespace, await stage.deploy(namespace));
    },
    timeoutMs,
  );

  test(
    'beside a webhook that is called later and adds a container, which gets its hook too',
    async () => {
      const namespace = 'meshed';
      await stage.makeNamespace(namespace);
      const webhook = await startRewritingWebhook(cluster, namespace, clock.wallNow());
      try {
        const virtualAddress = await stage.deploy(namespace);
        for (const { spec } of await stage.pods(namespace)) {
          expect(spec.containers.map(container => container.name)).toEqual(['proxy', 'echo']);
          for (const { lifecycle } of spec.containers) expect(lifecycle).toMatchObject(hook);
        }
        await stage.updateLosesNothing(namespace, virtualAddress);
      } finally {
        await webhook.remove();
      }
    },
    timeoutMs,
  );

  test(
    'while Secret, ConfigMap and webhook configuration are spoilt and deleted one after the other',
    async () => {
      const namespace = 'spoilt';
      await stage.makeNamespace(namespace);
      const virtualAddress = await stage.deploy(namespace);
      await stage.updateLosesNothing(namespace, virtualAddress, async () => {
        const updated = stage.update(namespace);
        await damageUpkeep(clock, cluster);
        await updated;
      });
    },
    timeoutMs,
  );

  test(
    'without any webhook, with gate and hook in the template',
    async () => {
      const namespace = 'unhooked';
      await stage.makeNamespace(namespace);
      await helmApply(cluster, 'upgrade', ['webhook.enabled=false']);
      try {
        const template = { readinessGates, terminationGracePeriodSeconds: 60 };
        const virtualAddress = await stage.deploy(namespace, { container: { lifecycle: hook }, template });
        await stage.updateLosesNothing(namespace, virtualAddress);
      } finally {
        await helmApply(cluster, 'upgrade');
      }
    },
    timeoutMs,
  );
});

test(
  'Pods start while no coordinator answers the webhook, and are bound when one does; their successors are gated again',
  async () => {
    const namespace = 'early';
    const workload = { name: 'web', namespace, replicas: echoReplicas };
    await stage.makeNamespace(namespace);
    await scaleCoordinators({ each: 0 });
    await apply({ apiVersion: 'v1', kind: 'List', items: echoObjects(workload) });
    await rolledOut(cluster, workload);
    for (const { spec } of await stage.pods(namespace)) expect(spec.readinessGates ?? []).toEqual([]);
    await scaleCoordinators({ each: 1 });
    const virtualAddress = await virtualAddressOf(clock, cluster, workload);
    await waitUntil(clock, 'an answer through the address', 60_000, async () =>
      (await cluster.run(['curl', '--silent', '--max-time', '2', `http://${virtualAddress}/`])).stdout.includes('web'),
    );
    const early = (await stage.pods(namespace)).map(({ status }) => status?.podIP ?? '');
    // Those without hook go first; the update after that has to lose nothing.
    await stage.update(namespace);
    await waitUntil(clock, 'the Pods without hook to go, and every forwarder to know', 60_000, async () => {
      const living = (await stage.pods(namespace)).map(({ status }) => status?.podIP ?? '');
      const gone = early.filter(address => !living.includes(address));
      const open = openAddresses(stage.product.journal());
      return living.length === echoReplicas && gone.length === early.length && !gone.some(address => open.has(address));
    });
    await stage.updateLosesNothing(namespace, virtualAddress);
  },
  timeoutMs,
);

/** Of each part. */
async function scaleCoordinators({ each }: { readonly each: number }): Promise<void> {
  const selector = '--selector=app.kubernetes.io/component=coordinator';
  await cluster.kubectl(['scale', 'deployment', selector, inNamespace, `--replicas=${each}`]);
  const count = 2 * each;
  await waitUntil(clock, `${count} coordinators`, 90_000, async () => {
    const pods = await cluster.kubectl(['get', 'pods', inNamespace, selector, '--no-headers']);
    const lines = pods.split('\n').filter(line => line !== '');
    return lines.length === count && lines.every(line => / 1\/1 +Running /.test(line));
  });
}
