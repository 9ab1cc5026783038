import { DIRECT_ACCESS_ANNOTATION, EXISTING_LOAD_BALANCER_ANNOTATION } from '../../common/names.ts';
import { ContainerState, GateState, type PodRecord } from '../../common/pod-record.ts';
import { container, podRecord } from '../../coordinator/core/pod.fixture.ts';
import type { ServiceRecord } from '../../coordinator/kube/service-reflector.ts';
import type { ReportEvent } from '../../coordinator/reports/report-event.ts';
import { serviceRecord } from '../../coordinator/service.fixture.ts';
import { DrainPhase } from '../../proto/gen/clbdirect/v1/report.ts';

const NODE_NAMES = Array.from({ length: 100 }, (_, index) => `node-${index}`);
const FIRST_PORT = 9_001;
/** The default of `drainSeconds`. */
export const HOOK_BUDGET_MS = 30_000;

interface LivePod {
  readonly record: PodRecord;
  readonly node: string;
  readonly service: number;
}

/** Services that share one load balancer, their Pods, and what the Pods' agents say of them. */
export class Cluster {
  readonly services: readonly ServiceRecord[];
  readonly #tell: (event: ReportEvent) => void;
  readonly #wallNow: () => number;
  readonly #pods = new Map<string, LivePod>();
  #created = 0;

  constructor(options: {
    readonly services: number;
    readonly loadBalancerId: string;
    readonly tell: (event: ReportEvent) => void;
    readonly wallNow: () => number;
  }) {
    this.#tell = options.tell;
    this.#wallNow = options.wallNow;
    this.services = Array.from({ length: options.services }, (_, index) => service(index, options.loadBalancerId));
  }

  /** Every node's agent opens its stream, and tells that nothing runs there yet. */
  beginReporting(): void {
    for (const node of NODE_NAMES) {
      const agent = { agentPodUid: node, agentPodName: node, epoch: node, agentVersion: 'bench', startedAtMs: 0 };
      this.#tell({ type: 'opened', node, session: node, ...agent });
      this.#tell({ type: 'snapshot', node, session: node, epoch: node, pods: [], consistent: true });
    }
  }

  /** A heartbeat of every agent. */
  beat(): void {
    for (const node of NODE_NAMES) this.#tell({ type: 'heard', node, session: node });
  }

  /** A Pod of the Service that runs and is ready; returns its UID. */
  create(service: number): string {
    this.#created += 1;
    const number = this.#created;
    const uid = `pod-${number}`;
    const address = `10.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
    const record = podRecord({ uid, addresses: [address], labels: { app: appOf(service) } });
    this.#put({ record, node: NODE_NAMES[number % NODE_NAMES.length] ?? '', service });
    return uid;
  }

  serviceOf(podUid: string): number {
    return this.#pod(podUid).service;
  }

  addressOf(podUid: string): string {
    return this.#pod(podUid).record.addresses[0] ?? '';
  }

  has(podUid: string): boolean {
    return this.#pods.has(podUid);
  }

  /** The API server's word about the gate, as its agent sees it. */
  gateOpened(podUid: string): void {
    const pod = this.#pods.get(podUid);
    if (pod) this.#put({ ...pod, record: { ...pod.record, gate: GateState.OPEN } });
  }

  /** The Pod is deleted and its hook called. */
  delete(podUid: string): void {
    const pod = this.#pod(podUid);
    const deletion = { seenAtMs: this.#wallNow(), gracePeriodSeconds: 60 };
    this.#put({ ...pod, record: { ...pod.record, deletion } });
    this.hook(podUid, DrainPhase.BEGIN);
  }

  hook(podUid: string, phase: DrainPhase): void {
    const { node } = this.#pod(podUid);
    this.#tell({ type: 'drain', node, session: node, request: { podUid, phase, budgetMs: HOOK_BUDGET_MS } });
  }

  /** Its containers have ended and its object is gone. */
  finish(podUid: string): void {
    const pod = this.#pod(podUid);
    this.#put({ ...pod, record: { ...pod.record, containers: [container('main', ContainerState.EXITED)] } });
    this.#pods.delete(podUid);
    this.#tell({ type: 'delta', node: pod.node, session: pod.node, upserts: [], removals: [podUid] });
  }

  #pod(podUid: string): LivePod {
    const pod = this.#pods.get(podUid);
    if (!pod) throw new Error(`there is no Pod ${podUid}`);
    return pod;
  }

  #put(pod: LivePod): void {
    this.#pods.set(pod.record.uid, pod);
    this.#tell({ type: 'delta', node: pod.node, session: pod.node, upserts: [pod.record], removals: [] });
  }
}

function appOf(service: number): string {
  return `web-${service}`;
}

function service(index: number, loadBalancerId: string): ServiceRecord {
  return serviceRecord({
    // Listener names hold the first eight characters.
    uid: `${String(index).padStart(8, '0')}-service`,
    name: appOf(index),
    selector: { app: appOf(index) },
    ports: [{ port: FIRST_PORT + index, protocol: 'TCP', targetPort: 80 }],
    annotations: { [DIRECT_ACCESS_ANNOTATION]: 'true', [EXISTING_LOAD_BALANCER_ANNOTATION]: loadBalancerId },
  });
}
