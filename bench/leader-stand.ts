import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../common/clock.ts';
import { DEFAULT_INSTANCE } from '../common/instance-names.ts';
import { silentLogger } from '../common/logger.ts';
import { seededRandom } from '../common/random.ts';
import type { Cloud } from '../coordinator/cloud/types.ts';
import { DEFAULT_PLAN_LIMITS } from '../coordinator/core/lane-plan.ts';
import type { Knowledge } from '../coordinator/knowledge.ts';
import { changedRecord } from '../coordinator/kube/load-balancer-record.ts';
import { DEFAULT_LANE_TIMING } from '../coordinator/lanes/lane-options.ts';
import type { LeaderPorts } from '../coordinator/leader/leader-ports.ts';
import { LeaderWork } from '../coordinator/leader/leader-work.ts';
import { noObserver } from '../coordinator/observer.ts';

export const CLUSTER = 'bench';
export const VPC_ID = 'vpc-bench';

/** How long after weight 0 was read back new connections may still arrive. */
export const SETTLE_MS = 2_000;

/** How long the API server takes to confirm a Pod. */
const CONFIRMATION_MS = 4;
/** How long it takes to list a namespace's Services. */
const LIST_MS = 10;

export interface LeaderStandOptions {
  readonly clock: Clock;
  readonly cloud: Cloud;
  readonly knowledge: Knowledge;
  readonly writeGate: LeaderPorts['writeGate'];
  readonly sendDrainUpdate: LeaderPorts['sendDrainUpdate'];
}

/** One term of leadership over an API server that confirms every Pod and takes every write. */
export function leaderStand({ clock, cloud, knowledge, writeGate, sendDrainUpdate }: LeaderStandOptions): LeaderWork {
  const asked = new Set<string>();
  const work: LeaderWork = new LeaderWork({
    names: DEFAULT_INSTANCE,
    knowledge,
    ports: {
      writeGate,
      sendDrainUpdate,
      confirm: ({ record: { uid }, node }) => {
        if (asked.has(uid)) return;
        asked.add(uid);
        clock.schedule(CONFIRMATION_MS, () => {
          knowledge.store.placed(uid, node, clock.now());
          work.confirmed(uid);
        });
      },
      dropGate: () => undefined,
      claimService: (service, change) => claim(knowledge, service, change),
      findInstance: node => work.instanceFound(node, undefined),
      releaseService: () => undefined,
      writeStatus: () => undefined,
      reportProblem: ({ namespace, name }, { code, message }) => {
        throw new Error(`a problem with Service ${namespace}/${name}: ${code} ${message}`);
      },
      prove: ({ podUid }) => {
        const known = knowledge.store.pods.get(podUid);
        if (!known) throw new Error(`nobody vouches for Pod ${podUid}, which the benchmark knows`);
        clock.schedule(CONFIRMATION_MS, () => knowledge.store.placed(podUid, known.node, clock.now()));
      },
      reportReplica: () => undefined,
      reportPod: () => undefined,
      reportOwner: () => undefined,
      reportNode: () => undefined,
      readSecret: () => undefined,
      writeConfig: () => undefined,
      listServices: namespace => {
        const startedAt = clock.now();
        const services = [...knowledge.services.values()].filter(service => service.namespace === namespace);
        clock.schedule(LIST_MS, () => work.servicesListed(namespace, { startedAt, services, ingresses: [] }));
      },
      probe: async () => 'unanswered',
    },
    cloud,
    clock,
    random: seededRandom(1),
    fence: { mayWrite: () => true },
    predecessorWritesUntil: Number.NEGATIVE_INFINITY,
    log: silentLogger,
    cluster: CLUSTER,
    vpcId: VPC_ID,
    healthCheck: undefined,
    policy: { existing: 'any', clusterName: CLUSTER },
    settleMs: SETTLE_MS,
    drainNodeOn: new Set(),
    limits: DEFAULT_PLAN_LIMITS,
    timing: DEFAULT_LANE_TIMING,
    tkeController: () => false,
    observer: noObserver,
  });
  return work;
}

/** The API server's Service as it is after the claim. */
function claim(
  knowledge: Knowledge,
  { namespace, name }: Parameters<LeaderPorts['claimService']>[0],
  { add, drop }: Parameters<LeaderPorts['claimService']>[1],
): void {
  const key = `${namespace}/${name}`;
  const known = knowledge.services.get(key);
  if (!known) return;
  const present = { loadBalancers: known.recorded, adoptedListeners: known.adopted };
  const { loadBalancers: recorded, adoptedListeners: adopted } = changedRecord(present, add, drop);
  const item = { ...known, finalized: true, recorded, adopted };
  if (isDeepStrictEqual(item, known)) return;
  const resourceVersion = String(Number(known.resourceVersion) + 1);
  knowledge.services.apply({ type: 'applied', key, item: { ...item, resourceVersion }, resourceVersion });
}
