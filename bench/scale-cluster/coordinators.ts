import type { Clock } from '../../common/clock.ts';
import type { Lease } from '../../common/kube/objects.ts';
import type { KubeClient } from '../../sandbox/kube/kube-client.ts';
import type { ClusterProcess } from '../../test/cluster/cluster-process.ts';
import type { Cluster } from '../../test/cluster/harness.ts';
import { bridge } from '../../test/cluster/network.ts';
import { accountKubeconfig } from '../../test/cluster/product/account-kubeconfig.ts';
import { clbEndpoint, cloudKey } from '../../test/cluster/product/load-balancers.ts';
import { coordinatorAddress, names, ports } from '../../test/cluster/product/names.ts';
import { waitUntil } from '../../test/cluster/wait.ts';
import type { SayingWait } from './saying-wait.ts';

export const REPLICAS = [1, 2] as const;
const TIMEOUT_MS = 120_000;
/** Two checks, of which the first comes an interval after the registration: healthy after 10 s. */
const HEALTH_CHECK = ['--health-check-interval-seconds=5', '--health-check-threshold=2'];
const CREDENTIALS = { TENCENTCLOUD_SECRET_ID: cloudKey.secretId, TENCENTCLOUD_SECRET_KEY: cloudKey.secretKey };

/** The Pod that a coordinator's process stands for. */
export interface CoordinatorPod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

export interface Coordinator {
  readonly replica: number;
  readonly pod: CoordinatorPod;
  readonly process: ClusterProcess;
}

export interface CoordinatorsOptions {
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly api: KubeClient;
  readonly wait: SayingWait;
  readonly folder: string;
  /** The bundle that the image runs. */
  readonly program: string;
}

/** The replicas, each a process with an address of its own. */
export class Coordinators {
  readonly #options: CoordinatorsOptions;
  readonly #running = new Map<number, Coordinator>();

  constructor(options: CoordinatorsOptions) {
    this.#options = options;
  }

  /** Also again after the process was killed. */
  async start(replica: number, pod: CoordinatorPod): Promise<void> {
    const { cluster, folder } = this.#options;
    const address = coordinatorAddress(replica);
    await cluster.run(['ip', 'address', 'replace', `${address}/32`, 'dev', bridge]);
    const account = { namespace: names.namespace, serviceAccount: names.coordinator };
    const kubeconfig = await accountKubeconfig(cluster, folder, account);
    const command = [
      ...[process.execPath, this.#options.program],
      ...['--region=ap-guangzhou', '--vpc-id=vpc-cluster'],
      `--clb-endpoint=${clbEndpoint}`,
      `--kubeconfig=${kubeconfig}`,
      `--namespace=${names.namespace}`,
      `--pod-name=${pod.name}`,
      `--pod-uid=${pod.uid}`,
      `--grpc-listen=${address}:${ports.grpc}`,
      `--webhook-listen=${address}:${ports.webhook}`,
      `--http-listen=${address}:${ports.http}`,
      ...HEALTH_CHECK,
    ];
    const name = `${names.coordinator}-${replica}`;
    this.#running.set(replica, {
      replica,
      pod,
      process: await cluster.spawn(command, { name, environment: CREDENTIALS }),
    });
  }

  all(): readonly Coordinator[] {
    return [...this.#running.values()];
  }

  /** @throws Error when none of them holds the lease */
  async leader(): Promise<Coordinator> {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${names.namespace}/leases/${names.lease}`;
    const { spec } = await this.#options.api.get<Lease>(path, new AbortController().signal);
    const found = this.all().find(({ pod }) => spec?.holderIdentity?.startsWith(pod.uid));
    if (!found) throw new Error(`the lease is held by "${spec?.holderIdentity ?? ''}"`);
    return found;
  }

  async untilLed(): Promise<Coordinator> {
    return waitUntil(this.#options.clock, 'a coordinator to lead', TIMEOUT_MS, () => this.leader());
  }

  /** Until so many agents are heard by every replica. */
  async untilHeard(agents: number): Promise<void> {
    for (const { replica } of this.all()) {
      await this.#options.wait(`agents of ${agents} heard by coordinator ${replica}`, agents, () => sessions(replica));
    }
  }
}

/** None while the process is starting. */
async function sessions(replica: number): Promise<number> {
  try {
    const answer = await fetch(`http://${coordinatorAddress(replica)}:${ports.http}/metrics`);
    return Number(/^clb_direct_agent_sessions (\d+)$/m.exec(await answer.text())?.[1] ?? 0);
  } catch {
    return 0;
  }
}
