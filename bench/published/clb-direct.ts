import { silentLogger } from '../../common/logger.ts';
import { GateState, Protocol } from '../../common/pod-record.ts';
import { seededRandom } from '../../common/random.ts';
import { clbCloud } from '../../coordinator/cloud/clb-client.ts';
import { type ClusterView, clusterView } from '../../coordinator/core/cluster-view.ts';
import { DEFAULT_PLAN_LIMITS } from '../../coordinator/core/lane-plan.ts';
import { podRecord } from '../../coordinator/core/pod.fixture.ts';
import { ReportStore } from '../../coordinator/core/report-store.ts';
import type { PlacedRule } from '../../coordinator/core/rule-state.ts';
import { Lane } from '../../coordinator/lanes/lane.ts';
import { DEFAULT_LANE_TIMING } from '../../coordinator/lanes/lane-options.ts';
import type { ListenerWork } from '../../coordinator/loadbalancers/listener-work.ts';
import {
  CLUSTER,
  DOMAIN,
  NAMESPACE,
  podUid,
  ruleOfUrl,
  ruleUrl,
  type Site,
  TARGET_PORT,
  targetAddress,
} from './site.ts';

/** More than this is no bad luck. */
const FAILURES_MAX = 500;

/**
 * The product: its lane, its planning core and its cloud client, over Pods that run and are ready. It is done when reads
 * have shown every target, which the other strategies do not wait for.
 */
export async function clbDirect(site: Site): Promise<void> {
  const stop = new AbortController();
  const view = readyPods(site);
  const rules = new Map<number, PlacedRule>();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let failures = 0;
  const demand = () => {
    placeRules(site, lane, rules);
    lane.update({
      rules: [...rules.values()],
      view,
      virtualAddresses: [],
      listenerWork: lane.observed ? creations(site, rules) : [],
      gateWaits: false,
    });
  };
  const lane: Lane = new Lane({
    loadBalancerId: site.loadBalancerId,
    cluster: CLUSTER,
    cloud: clbCloud({ transport: site.transport, clock: site.clock, random: seededRandom(2) }),
    clock: site.clock,
    fence: { mayWrite: () => true },
    predecessorWritesUntil: Number.NEGATIVE_INFINITY,
    predecessorShownAt: Number.NEGATIVE_INFINITY,
    limits: DEFAULT_PLAN_LIMITS,
    timing: DEFAULT_LANE_TIMING,
    log: silentLogger,
    onObserved: ({ listeners }) => {
      if (listeners) demand();
      if (isDone(site, lane)) resolve();
    },
    onWrite: () => undefined,
    onFailure: ({ error }) => {
      // A lost reply is told, too, and so is what was done by the call that it belonged to; both are tried again.
      failures += 1;
      if (failures > FAILURES_MAX) throw new Error(`CLB refuses for good: ${error.message}`);
    },
  });
  const running = lane.run(stop.signal);
  demand();
  await done;
  stop.abort();
  await running;
}

/** Rules get their places as the lane reads them; a rule that has one keeps it. */
function placeRules({ loadBalancerId }: Site, lane: Lane, rules: Map<number, PlacedRule>): void {
  for (const { id: listenerId, forwardingRules } of lane.listeners) {
    for (const { url, locationId } of forwardingRules) {
      const number = ruleOfUrl(url);
      if (number === undefined || rules.has(number)) continue;
      rules.set(number, placedRule(number, { loadBalancerId, listenerId, locationId }));
    }
  }
}

function placedRule(number: number, place: PlacedRule['place']): PlacedRule {
  const id = `rule-${number}`;
  return {
    id,
    service: { namespace: NAMESPACE, name: id, uid: id },
    protocol: Protocol.TCP,
    port: 80,
    selector: { app: 'bench' },
    targetPort: TARGET_PORT,
    publishNotReadyAddresses: false,
    place,
    refusal: undefined,
  };
}

/** All missing rules of a listener in one call. */
function creations({ workload, listenerIdOf }: Site, rules: ReadonlyMap<number, PlacedRule>): ListenerWork[] {
  const numbers = Array.from({ length: workload.existingRules + workload.createdRules }, (_, number) => number);
  const missing = numbers.filter(number => !rules.has(number));
  return [...Map.groupBy(missing, listenerIdOf)].map(([listenerId, created]) => ({
    kind: 'create-rules' as const,
    listenerId,
    requests: created.map(number => ({ domain: DOMAIN, url: ruleUrl(number) })),
    ruleIds: created.map(number => `rule-${number}`),
  }));
}

function isDone({ workload }: Site, lane: Lane): boolean {
  const { states, transactions } = lane.view();
  const bound = states.flatMap(state => state.targets).filter(target => (target.bound?.weight ?? 0) > 0);
  const rules = workload.existingRules + workload.createdRules;
  return transactions.size === 0 && bound.length === rules * workload.targets;
}

function readyPods({ workload, clock }: Site): ClusterView {
  const pods = Array.from({ length: workload.targets }, (_, target) =>
    podRecord({
      uid: podUid(target),
      namespace: NAMESPACE,
      addresses: [targetAddress(target)],
      labels: { app: 'bench' },
      gate: GateState.ABSENT,
    }),
  );
  const store = new ReportStore();
  store.replace('node-1', pods, { consistent: true, now: clock.now() });
  return clusterView({ store, drains: new Map(), confirmed: new Set(pods.map(pod => pod.uid)) });
}
