import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { openCluster } from '../harness.ts';
import {
  type ChangeOutcome,
  type ChangeUnderLoad,
  changeUnderLoad,
  servingPods,
} from '../product/change-under-load.ts';
import { clientAddressPrefix } from '../product/names.ts';
import { momentsTable, orderProblems, outlivedBudget } from '../product/pod-moments.ts';
import { type Product, startProduct } from '../product/product.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const examples = join(import.meta.dirname, '../../../examples');
const deployment = 'deployment/nginx-deployment-eni';
const selector = 'app=nginx';
const drainSeconds = 30;
/** About 8 s, well below the drain budget. */
const keepAliveRequests = 16;
const changeTimeoutMs = 240_000;

let product: Product;
let virtualAddress = '';

const rolledOut = () => cluster.kubectl(['rollout', 'status', deployment, '--timeout=120s']);

/** Runs a change under load, prints what came of it, and holds the run to what makes it worth anything. */
async function under(load: Pick<ChangeUnderLoad, 'clients' | 'keepAliveRequests' | 'change'>): Promise<ChangeOutcome> {
  const options = { ...load, virtualAddress, selector, drainSeconds };
  const outcome = await changeUnderLoad({ clock, cluster, product }, options);
  const share = `${Math.round(100 * outcome.shareWhileDraining)} % of the requests while a target was draining`;
  process.stdout.write(`\n${momentsTable(outcome.gone)}\n${reportText(outcome.report)}\n${share}\n`);
  expect(outcome.shareWhileDraining, 'too few requests met a drain').toBeGreaterThan(0.3);
  const openAtDrain = outcome.gone.reduce((sum, { connectionsAtWeightZero }) => sum + connectionsAtWeightZero, 0);
  expect(openAtDrain, 'no drain met an open connection').toBeGreaterThan(0);
  expect(outcome.report.notSent).toBe(0);
  return outcome;
}

function expectNothingLost({ report, gone, loggedByPod }: ChangeOutcome): void {
  expect(report.losses).toEqual([]);
  expect(report.lostTotal).toBe(0);
  expect(report.sent).toBe(report.ok + report.lostTotal + report.endedByApplication);
  expect(gone.flatMap(orderProblems)).toEqual([]);
  expect(loggedByPod).toEqual(report.answersByPod);
}

beforeAll(async () => {
  product = await startProduct(clock, cluster);
}, 120_000);

afterAll(async () => {
  // While there are coordinators: the Service waits for them to give its load balancer back.
  await cluster
    .leaveClean(() => cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '--filename', examples]))
    .finally(() => product?.stop());
}, 120_000);

describe('the seed manifests, applied unchanged', () => {
  test('get an EXTERNAL-IP and READINESS GATES 1/1', async () => {
    await cluster.kubectl(['apply', '--filename', examples]);
    await rolledOut();
    const rows = (await cluster.kubectl(['get', 'pods', `--selector=${selector}`, '--output=wide'])).trim().split('\n');
    const services = await cluster.kubectl(['get', 'service', 'nginx-service-eni', '--no-headers']);
    process.stdout.write(`\n${rows.join('\n')}\n${services}`);
    expect(rows[0]).toMatch(/READINESS GATES$/);
    expect(rows.slice(1).map(line => line.trim().split(/\s+/).at(-1))).toEqual(['1/1', '1/1', '1/1']);
    virtualAddress = services.split(/\s+/)[3] ?? '';
    expect(virtualAddress).toMatch(/^10\.250\.2\.\d+$/);
  });

  test("show nginx the client's own address through the EXTERNAL-IP", async () => {
    const client = `${clientAddressPrefix}9`;
    await cluster.run(['node', '-e', `require('http').get({host:'${virtualAddress}',localAddress:'${client}'})`]);
    const logged = await waitUntil(clock, 'the request in the log', 5_000, () =>
      cluster.loggedRequests().find(request => request.client === client),
    );
    expect(logged).toMatchObject({ path: '/', status: 200 });
  });
});

describe('under load nothing is lost, and SIGTERM comes last', () => {
  beforeEach(async () => {
    await cluster.kubectl(['scale', deployment, '--replicas=3']);
    await rolledOut();
  });

  test(
    'in a rolling update',
    async () => {
      const change = async () => {
        await cluster.kubectl(['rollout', 'restart', deployment]);
        await rolledOut();
      };
      const outcome = await under({ clients: [10, 29], keepAliveRequests, change });
      expect(outcome.gone).toHaveLength(3);
      expectNothingLost(outcome);
      expect(outcome.gone.filter(outlivedBudget)).toEqual([]);
    },
    changeTimeoutMs,
  );

  test(
    'in a scale-in',
    async () => {
      const change = () => cluster.kubectl(['scale', deployment, '--replicas=2']);
      const outcome = await under({ clients: [30, 49], keepAliveRequests, change });
      expect(outcome.gone).toHaveLength(1);
      expectNothingLost(outcome);
    },
    changeTimeoutMs,
  );

  test(
    'in the drain of a node',
    async () => {
      const [pod] = await servingPods(cluster, selector);
      const node = pod?.spec.nodeName ?? '';
      const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s'];
      const outcome = await under({
        clients: [50, 69],
        keepAliveRequests,
        change: () => cluster.kubectl(drain),
      }).finally(() => cluster.kubectl(['uncordon', node]));
      expect(outcome.gone.map(({ pod }) => pod)).toContain(pod?.metadata.name);
      expectNothingLost(outcome);
    },
    changeTimeoutMs,
  );

  test(
    'but for what outlives the budget, which the application ends while its target is still there',
    async () => {
      const change = () => cluster.kubectl(['scale', deployment, '--replicas=2']);
      const outcome = await under({ clients: [70, 89], keepAliveRequests: 0, change });
      expect(outcome.gone.map(outlivedBudget)).toEqual([true]);
      expectNothingLost(outcome);
    },
    changeTimeoutMs,
  );

  test(
    'in a rolling update whose leading coordinator is killed as the first Pod leaves',
    async () => {
      const leader = await product.leader();
      const change = async () => {
        await cluster.kubectl(['rollout', 'restart', deployment]);
        await waitUntil(clock, 'a Pod to leave', 60_000, async () =>
          (await servingPods(cluster, selector)).some(({ metadata }) => metadata.deletionTimestamp !== undefined),
        );
        product.coordinator(leader).signal('SIGKILL');
        await rolledOut();
      };
      const outcome = await under({ clients: [90, 109], keepAliveRequests, change });
      expect(await product.leader()).not.toBe(leader);
      expect(outcome.gone).toHaveLength(3);
      expectNothingLost(outcome);
      await product.restartCoordinator(leader);
    },
    changeTimeoutMs,
  );
});
