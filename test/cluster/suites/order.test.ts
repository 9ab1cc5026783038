import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { openCluster } from '../harness.ts';
import { type ChangeOutcome, type ChangeUnderLoad, changeUnderLoad } from '../product/change-under-load.ts';
import { momentsTable, orderProblems, outlivedBudget, type PodMoments } from '../product/pod-moments.ts';
import { type Product, startProduct } from '../product/product.ts';
import { stepTimesTable } from '../product/step-times.ts';
import { toldDrains } from '../product/told-drains.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const examples = join(import.meta.dirname, '../../../examples');
const deployment = 'deployment/nginx-deployment-eni';
const selector = 'app=nginx';
const replicas = 9;
const drainSeconds = 30;
const toleranceMs = 500;
/** About 8 s, well below the drain budget. */
const keepAliveRequests = 16;
const changeTimeoutMs = 300_000;

let product: Product;
let virtualAddress = '';

const rolledOut = () => cluster.kubectl(['rollout', 'status', deployment, '--timeout=240s']);

/** A change under load in which nothing is lost and every Pod that goes ends in order. */
async function inOrder(
  load: Pick<ChangeUnderLoad, 'clients' | 'keepAliveRequests' | 'change'>,
): Promise<ChangeOutcome> {
  const options = { ...load, virtualAddress, selector, drainSeconds };
  const outcome = await changeUnderLoad({ clock, cluster, product }, options);
  const { gone, report } = outcome;
  process.stdout.write(`\n${momentsTable(gone)}\n\n${stepTimesTable(gone)}\n\n${reportText(report)}\n`);
  expect(gone.flatMap(orderProblems)).toEqual([]);
  expect(gone.filter(outlivedBudget).filter(pod => heldMs(pod) < drainSeconds * 1_000 - toleranceMs)).toEqual([]);
  expect(report.losses).toEqual([]);
  expect(report.lostTotal + report.notSent).toBe(0);
  expectAgentsToAgree(gone);
  return outcome;
}

/** How long the hook was held; connections that are left let it end when the budget is over, and not before. */
function heldMs({ preStopAtMs = 0, preStopEndedAtMs = 0 }: PodMoments): number {
  return preStopEndedAtMs - preStopAtMs;
}

/** Their logs prove nothing, but must not tell another story. */
function expectAgentsToAgree(gone: readonly PodMoments[]): void {
  const told = toldDrains(cluster.nodes.map(node => product.agent(node).logFile));
  for (const moments of gone) {
    const reason = outlivedBudget(moments) ? 'connections-left' : 'drained';
    expect(told.get(`default/${moments.pod}`)?.reason, moments.pod).toBe(reason);
  }
}

beforeAll(async () => {
  product = await startProduct(clock, cluster);
  await cluster.kubectl(['apply', '--filename', examples]);
  await cluster.kubectl(['scale', deployment, `--replicas=${replicas}`]);
  await rolledOut();
  const services = await cluster.kubectl(['get', 'service', 'nginx-service-eni', '--no-headers']);
  virtualAddress = services.split(/\s+/)[3] ?? '';
}, 240_000);

afterAll(async () => {
  // While there are coordinators: the Service waits for them to give its load balancer back.
  await cluster
    .leaveClean(() => cluster.kubectl(['delete', '--ignore-not-found', '--timeout=60s', '--filename', examples]))
    .finally(() => product?.stop());
}, 120_000);

describe('preStop, weight 0, last connection, deregistered, SIGTERM: in this order for every Pod, and no connection is cut', () => {
  test(
    'in a rolling update of nine Pods',
    async () => {
      const change = async () => {
        await cluster.kubectl(['rollout', 'restart', deployment]);
        await rolledOut();
      };
      const { gone } = await inOrder({ clients: [151, 170], keepAliveRequests, change });
      expect(gone).toHaveLength(replicas);
      expect(gone.filter(outlivedBudget)).toEqual([]);
      expect(Math.max(...gone.map(({ connectionsAtWeightZero }) => connectionsAtWeightZero))).toBeGreaterThan(0);
    },
    changeTimeoutMs,
  );

  test(
    'in a scale-in by four Pods whose clients never end their connections: deregistered when they have exited',
    async () => {
      const change = () => cluster.kubectl(['scale', deployment, `--replicas=${replicas - 4}`]);
      const { gone } = await inOrder({ clients: [171, 190], keepAliveRequests: 0, change });
      expect(gone).toHaveLength(4);
      expect(gone.filter(outlivedBudget).length).toBeGreaterThan(0);
    },
    changeTimeoutMs,
  );
});
