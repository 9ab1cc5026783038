import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { clbCloud } from '../../coordinator/cloud/clb-client.ts';
import type { ClbTransport } from '../../coordinator/cloud/transport.ts';
import { Coordinator, type CoordinatorOptions } from '../../coordinator/coordinator.ts';
import { readOnly } from '../../coordinator/observe/read-only-carriers.ts';
import { noObserver } from '../../coordinator/observer.ts';

export type GateFlags = Pick<CoordinatorOptions, 'liveGate' | 'stuckGateMs' | 'openStuckGatesMs'>;

/** What a replica that is started in a simulation works with. */
export interface CoordinatorSurroundings {
  readonly names: InstanceNames;
  readonly name: string;
  readonly podUid: string;
  /** Unique in this run. */
  readonly incarnation: string;
  readonly namespace: string;
  readonly mode: CoordinatorOptions['mode'];
  readonly existingLoadBalancers: CoordinatorOptions['existingLoadBalancers'];
  readonly gates: GateFlags;
  readonly clock: Clock;
  random(): Random;
  readonly kube: KubeTransport;
  readonly clb: ClbTransport;
  readonly log: Logger;
  /** What else this replica does while it leads. */
  readonly alsoWhileLeading: ((signal: AbortSignal) => Promise<void>) | undefined;
}

const VPC_ID = 'vpc-simulated';

export function simulatedCoordinator(lent: CoordinatorSurroundings): Coordinator {
  const { names, name, podUid, incarnation, namespace, mode, existingLoadBalancers, clock, log } = lent;
  const { alsoWhileLeading } = lent;
  const { kube, clb } = mode === 'observe' ? readOnly(lent) : lent;
  const cloud = clbCloud({ transport: clb, clock, random: lent.random() });
  return new Coordinator(
    {
      ...{ clock, random: lent.random(), kube, cloud, log, observer: noObserver },
      ...(alsoWhileLeading && { alsoWhileLeading }),
    },
    {
      mode,
      name,
      podUid,
      incarnation,
      namespace,
      clusterName: 'simulation',
      names,
      vpcId: VPC_ID,
      leaseDurationMs: 10_000,
      renewDeadlineMs: 7_000,
      retryPeriodMs: 1_000,
      settleMs: 2_000,
      drainNodeOn: ['shutdown', 'spot-termination', 'to-be-deleted'],
      healthCheck: undefined,
      nodeWatchAfterMs: 20_000,
      pureVpcCni: 'auto',
      existingLoadBalancers,
      ...lent.gates,
    },
  );
}
