import type { PodRecord } from '../../common/pod-record.ts';
import type { DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import type { PodView } from '../core/cluster-view.ts';
import type { GateReason } from '../core/gate.ts';
import type { Mark } from '../core/mark.ts';
import type { RuleOwner } from '../core/rule.ts';
import type { EventSubject } from '../kube/event-recorder.ts';
import type { RecordEntries } from '../kube/load-balancer-record.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { SecretName } from '../kube/secret-reader.ts';
import type { ServiceStatus } from '../kube/service-status.ts';
import type { Problem } from '../loadbalancers/problem.ts';
import type { ProbeOutcome, ProbeTarget } from '../reports/probe.ts';
import type { AutoConfig } from '../tke-service-config/auto-config.ts';

/** What a leader may do to the world besides writing to CLB. All calls queue and return at once. */
export interface LeaderPorts {
  /** Sets the Pod's gate; unchanged ones cost nothing. */
  writeGate(pod: PodView, gate: { open: boolean; reason: GateReason | 'OpenedByTime'; message: string }): void;
  /** Forgets what waits to be written about the gate of a Pod that is leaving. */
  dropGate(podUid: string): void;
  /**
   * Sees to our finalizer and to the record of where the Service may have something, before anything is made there;
   * what is so already costs nothing.
   */
  claimService(service: OwnerRecord, change: { readonly add: RecordEntries; readonly drop: RecordEntries }): void;
  /** Takes everything of ours off; `keepsAddress`: but for the address, which another controller tells from now on. */
  releaseService(service: OwnerRecord, options?: { readonly keepsAddress: boolean }): void;
  writeStatus(service: OwnerRecord, status: ServiceStatus): void;
  reportProblem(service: RuleOwner, problem: Problem): void;
  /** Tells on the Pod of this replica. */
  reportReplica(problem: Problem): void;
  /** Tells on the Pod itself. */
  reportPod(pod: PodRecord, problem: Problem): void;
  /** Tells on the object that a user would change to have other Pods, which is looked for. */
  reportOwner(pod: PodRecord, problemOf: (owner: EventSubject) => Problem): void;
  /** Tells on the node itself. */
  reportNode(node: string, problem: Problem): void;
  /** Has an agent of the node try a TCP port. Rejects with the signal's reason when it aborts, and never else. */
  probe(node: string, target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome>;
  sendDrainUpdate(node: string, update: DrainUpdate): void;
  /** Asks the API server whether it knows the Pod as the agent does (law L12). */
  confirm(pod: PodView): void;
  /** Asks the API server, consistently, whether the Pod that a mark names is gone (law L1). */
  prove(mark: Mark): void;
  /** Asks for the cloud's name of a node; the answer comes by `LeaderWork.instanceFound`. */
  findInstance(node: string): void;
  /** Makes or changes the TkeServiceConfig that belongs to a claimed object. */
  writeConfig(config: AutoConfig): void;
  /** Reads a Secret that a claimed object names; the answer comes by `LeaderWork.secretRead`. */
  readSecret(secret: SecretName): void;
  /** Asks for a consistent list of the namespace's Services and Ingresses, to prove that none selects a Pod (law L3). */
  listServices(namespace: string): void;
}
