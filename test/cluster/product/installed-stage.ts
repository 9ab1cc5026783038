/** What suites share that let things happen to the installed product: Pods of an echo server, and updates that lose nothing. */
import { expect } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { requestsDuring } from '../clients/client-process.ts';
import type { Clients } from '../clients/requests.ts';
import type { Cluster } from '../harness.ts';
import { changeText } from './change-text.ts';
import { type ChangeOutcome, changeUnderLoad } from './change-under-load.ts';
import { deployEcho, type EchoWorkload, restart, rolledOut } from './echo-workload.ts';
import { type InstalledProduct, installProduct } from './installed-product.ts';
import { names } from './names.ts';
import { orderProblems } from './pod-moments.ts';
import { shareProcessor } from './processor-share.ts';

const name = 'web';
const clients = { clients: [201, 220], keepAliveRequests: 16, longPath: '/?hold=4' } as const;
const drainSeconds = 30;

export interface InstalledStage {
  readonly product: InstalledProduct;
  makeNamespace(namespace: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Three Pods in the namespace, one on each node; returns the virtual address. */
  deploy(namespace: string, more?: Partial<EchoWorkload>): Promise<string>;
  /** Of that namespace, without those that are going. */
  pods(namespace: string): Promise<readonly Pod[]>;
  /** Replaces all Pods of the namespace. */
  update(namespace: string): Promise<void>;
  /** An update under load in which nothing is lost and every Pod that goes ends in order. @param change default: `update` */
  updateLosesNothing(namespace: string, virtualAddress: string, change?: () => Promise<void>): Promise<ChangeOutcome>;
  /** Requests while something happens. Nothing is asserted. */
  load(virtualAddress: string, deed: () => Promise<void>): Promise<LoadReport>;
  /** A node without coordinators: what happens to it happens to agent and Pods alone. */
  nodeOfNoCoordinator(): Promise<string>;
  /** Takes everything away; from a cluster of this suite's own only what is outside of it. */
  end(): Promise<void>;
}

export const echoReplicas = 3;

/** Returns when the product is ready. @param values of the chart beside the required ones. */
export async function installedStage(
  clock: Clock,
  cluster: Cluster,
  values: readonly string[] = [],
): Promise<InstalledStage> {
  const product = await installProduct(cluster, values);
  const namespaces: string[] = [];
  const load = (virtualAddress: string): Clients => ({ ...clients, virtualAddress });
  const update = async (namespace: string) => {
    await restart(cluster, { name, namespace });
    await rolledOut(cluster, { name, namespace });
  };
  return {
    product,
    async makeNamespace(namespace, labels = {}) {
      namespaces.push(namespace);
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
      await cluster.kubectl(['apply', '--filename=-'], JSON.stringify(object));
      await shareProcessor(cluster, namespace);
    },
    deploy: (namespace, more) => deployEcho(clock, cluster, { name, namespace, replicas: echoReplicas, ...more }),
    async pods(namespace) {
      const { items } = await cluster.get<{ items: readonly Pod[] }>(['pods', `--namespace=${namespace}`]);
      return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    },
    update,
    async updateLosesNothing(namespace, virtualAddress, change = () => update(namespace)) {
      const options = { ...load(virtualAddress), drainSeconds, namespace, selector: `app=${name}`, change };
      const outcome = await changeUnderLoad({ clock, cluster, product }, options);
      process.stdout.write(changeText(outcome));
      expect(outcome.gone).toHaveLength(echoReplicas);
      expect(outcome.gone.flatMap(orderProblems)).toEqual([]);
      expectNothingLost(outcome.report);
      return outcome;
    },
    load: (virtualAddress, deed) => requestsDuring(clock, load(virtualAddress), deed),
    async nodeOfNoCoordinator() {
      const selection = [`--namespace=${names.namespace}`, '--selector=app.kubernetes.io/component=coordinator'];
      const { items } = await cluster.get<{ items: readonly Pod[] }>(['pods', ...selection]);
      const taken = items.map(({ spec }) => spec.nodeName);
      const node = cluster.nodes.find(each => !taken.includes(each));
      if (node === undefined) throw new Error('every node has a coordinator');
      return node;
    },
    async end() {
      // While there are coordinators: Services wait for them to give their load balancers back.
      const remove = ['delete', 'namespace', '--timeout=100s', '--ignore-not-found', ...namespaces];
      if (namespaces.length > 0) await cluster.leaveClean(() => cluster.kubectl(remove));
      await product.remove();
    },
  };
}

export function expectNothingLost({ losses, lostTotal, notSent, sent }: LoadReport): void {
  expect(losses).toEqual([]);
  expect(lostTotal + notSent).toBe(0);
  expect(sent).toBeGreaterThan(0);
}
