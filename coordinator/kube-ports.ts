import type { Clock } from '../common/clock.ts';
import type { InstanceNames } from '../common/instance-names.ts';
import type { KubeTransport } from '../common/kube/transport.ts';
import type { Logger } from '../common/logger.ts';
import { GateState } from '../common/pod-record.ts';
import type { Random } from '../common/random.ts';
import type { PodView } from './core/cluster-view.ts';
import type { Mark } from './core/mark.ts';
import type { Knowledge } from './knowledge.ts';
import { EventRecorder, type EventSubject } from './kube/event-recorder.ts';
import { GateWriter } from './kube/gate-writer.ts';
import { NamespaceServices } from './kube/namespace-services.ts';
import { NodeInstances } from './kube/node-instances.ts';
import { type PodAnswer, PodConfirmer, type PodQuestion } from './kube/pod-confirmer.ts';
import { PodOwners } from './kube/pod-owners.ts';
import { SecretReader } from './kube/secret-reader.ts';
import { ServiceWriter } from './kube/service-status.ts';
import { type ClaimableKind, TkeControllers } from './kube/tke-controllers.ts';
import { TkeServiceConfigWriter } from './kube/tke-service-config-writer.ts';
import type { LeaderPorts } from './leader/leader-ports.ts';
import type { LeaderWork } from './leader/leader-work.ts';
import { ownerName } from './loadbalancers/owner.ts';
import { isNotice } from './loadbalancers/problem.ts';
import type { CoordinatorObserver } from './observer.ts';
import { agreesWithReport, provesGone } from './pod-agreement.ts';
import type { ReportServer } from './reports/report-server.ts';

export interface KubePortsEdges {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeTransport;
  readonly log: Logger;
}

export interface KubePortsOptions {
  /** Name of this replica: the source of its Events. */
  readonly name: string;
  readonly namespace: string;
  readonly podUid: string;
  readonly reports: Pick<ReportServer, 'sendDrainUpdate' | 'probe'>;
  readonly knowledge: Knowledge;
  readonly observer: CoordinatorObserver;
  readonly names: InstanceNames;
}

const API_VERSIONS: Readonly<Record<ClaimableKind, string>> = { Service: 'v1', Ingress: 'networking.k8s.io/v1' };
/** An announced end is how nodes are meant to go. */
const NODE_EVENT_TYPES: Readonly<Record<string, 'Normal'>> = { CD3003: 'Normal' };

/** A leader's hands on the Kubernetes API: one bounded writer or asker for each thing it does there. */
export class KubePorts implements LeaderPorts {
  readonly #edges: KubePortsEdges;
  readonly #options: KubePortsOptions;
  readonly #gates: GateWriter;
  readonly #services: ServiceWriter;
  readonly #events: EventRecorder;
  readonly #confirmer: PodConfirmer;
  readonly #owners: PodOwners;
  readonly #lists: NamespaceServices;
  readonly #instances: NodeInstances;
  readonly #secrets: SecretReader;
  readonly #configs: TkeServiceConfigWriter;
  readonly #tkeControllers: TkeControllers;
  #work: LeaderWork | undefined;

  constructor(edges: KubePortsEdges, options: KubePortsOptions) {
    this.#edges = edges;
    this.#options = options;
    const base = { transport: edges.kube, clock: edges.clock, random: edges.random, names: options.names };
    const failed = (what: string) => (subject: unknown, error: unknown) =>
      edges.log.warn('a request to the API server failed, will try again', { what, subject, error });
    const { observer } = options;
    this.#gates = new GateWriter({
      ...base,
      observer: observer.queue('gates'),
      onError: failed('readiness gate'),
      onGone: gate => this.#work?.podNotFound(gate.podUid, 'missed'),
      onWritten: ({ podUid, isOpen }, latencyMs) => {
        if (!isOpen) return;
        observer.gateOpened(latencyMs);
        this.#work?.gateOpened(podUid);
      },
    });
    this.#services = new ServiceWriter({
      ...base,
      observer: observer.queue('services'),
      onFinalized: owner => this.#work?.finalized(owner.uid),
      onError: failed('Service'),
    });
    this.#events = new EventRecorder({
      ...base,
      observer: observer.queue('events'),
      instance: options.name,
      onError: failed('Event'),
    });
    this.#confirmer = new PodConfirmer({
      ...base,
      observer: observer.queue('pods'),
      onAnswer: (question, answer) => this.#answered(question, answer),
      onError: (question, error) => {
        failed('Pod')(question, error);
        this.#work?.podNotFound(question.podUid, 'unanswered');
      },
    });
    this.#owners = new PodOwners({ ...base, observer: observer.queue('owners'), onError: failed('owner of a Pod') });
    this.#lists = new NamespaceServices({
      ...base,
      observer: observer.queue('service-lists'),
      onList: (namespace, list) => this.#work?.servicesListed(namespace, list),
      onError: failed('Services of a namespace'),
    });
    this.#secrets = new SecretReader({
      ...base,
      observer: observer.queue('secrets'),
      onSecret: (secret, look) => this.#work?.secretRead(secret, look),
      onError: failed('Secret'),
    });
    this.#configs = new TkeServiceConfigWriter({
      ...base,
      observer: observer.queue('configs'),
      onError: failed('TkeServiceConfig'),
    });
    this.#tkeControllers = new TkeControllers({ ...base, onChange: () => this.#work?.circumstancesChanged() });
    this.#instances = new NodeInstances({
      ...base,
      observer: observer.queue('instances'),
      onInstance: (node, instanceId) => this.#work?.instanceFound(node, instanceId),
      onError: failed('node'),
    });
  }

  /** Whether TKE's own controller for the kind runs in this cluster; undefined until that was looked for. */
  hasTkeController(kind: ClaimableKind): boolean | undefined {
    return this.#tkeControllers.has(kind);
  }

  /** Who is told the answers. */
  attach(work: LeaderWork): void {
    this.#work = work;
  }

  async run(signal: AbortSignal): Promise<void> {
    const askers = [this.#confirmer, this.#owners, this.#lists, this.#instances, this.#secrets];
    const parts = [this.#gates, this.#services, this.#events, this.#configs, this.#tkeControllers, ...askers];
    await Promise.all(parts.map(part => part.run(signal)));
  }

  writeGate: LeaderPorts['writeGate'] = (pod, { open, reason, message }) => {
    const { uid, namespace, name, gate } = pod.record;
    const wasOpen = gate === GateState.OPEN;
    this.#gates.write({ podUid: uid, namespace, name, isOpen: open, wasOpen, reason, message });
  };

  dropGate: LeaderPorts['dropGate'] = podUid => {
    this.#gates.drop(podUid);
  };

  claimService: LeaderPorts['claimService'] = (service, { add, drop }) => {
    this.#services.write(service, { type: 'claimed', add, drop });
  };

  releaseService: LeaderPorts['releaseService'] = (service, { keepsAddress } = { keepsAddress: false }) => {
    this.#services.write(service, { type: 'released', keepsAddress });
  };

  writeStatus: LeaderPorts['writeStatus'] = (service, status) => {
    this.#services.write(service, { type: 'status', status });
  };

  reportProblem: LeaderPorts['reportProblem'] = (owner, problem) => {
    const { kind = 'Service', namespace, name, uid } = owner;
    const subject = { apiVersion: API_VERSIONS[kind], kind, namespace, name, uid };
    this.#events.record({ subject, type: isNotice(problem) ? 'Normal' : 'Warning', ...problem });
    const { code, reason, message: problemText } = problem;
    this.#edges.log.warn('an object has a problem', { object: ownerName(owner), code, reason, problemText });
  };

  reportReplica: LeaderPorts['reportReplica'] = problem => {
    const { namespace, name, podUid: uid } = this.#options;
    this.#events.record({
      subject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type: 'Warning',
      ...problem,
    });
    const { code, reason, message: problemText } = problem;
    this.#edges.log.warn('this replica cannot do all of its work', { code, reason, problemText });
  };

  reportPod: LeaderPorts['reportPod'] = ({ namespace, name, uid }, problem) => {
    this.#events.record({
      subject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type: 'Warning',
      ...problem,
    });
  };

  reportOwner: LeaderPorts['reportOwner'] = ({ namespace, name, uid }, problemOf) => {
    const onOwner = (subject: EventSubject) => this.#events.record({ subject, type: 'Warning', ...problemOf(subject) });
    this.#owners.ask({ podUid: uid, namespace, name, onOwner });
  };

  reportNode: LeaderPorts['reportNode'] = (name, problem) => {
    // By its name, as the kubelet does it: that is where `kubectl describe node` looks.
    const subject = { apiVersion: 'v1', kind: 'Node', namespace: '', name, uid: name };
    this.#events.record({ subject, type: NODE_EVENT_TYPES[problem.code] ?? 'Warning', ...problem });
    this.#edges.log.info('something is otherwise with a node', { node: name, whatNow: problem.message });
  };

  sendDrainUpdate: LeaderPorts['sendDrainUpdate'] = (node, update) => {
    this.#options.reports.sendDrainUpdate(node, update);
  };

  probe: LeaderPorts['probe'] = (node, target, signal) => this.#options.reports.probe(node, target, signal);

  confirm: LeaderPorts['confirm'] = ({ record }: PodView) => {
    this.#confirmer.ask({ podUid: record.uid, namespace: record.namespace, name: record.name });
  };

  prove: LeaderPorts['prove'] = ({ podUid, namespace, name }: Mark) => {
    this.#confirmer.ask({ podUid, namespace, name });
  };

  findInstance: LeaderPorts['findInstance'] = node => {
    this.#instances.ask(node);
  };

  writeConfig: LeaderPorts['writeConfig'] = config => {
    this.#configs.write(config);
  };

  readSecret: LeaderPorts['readSecret'] = secret => {
    this.#secrets.ask(secret);
  };

  listServices: LeaderPorts['listServices'] = namespace => {
    this.#lists.ask(namespace);
  };

  /** One answer serves both questions: a reported Pod is confirmed by it, one that no agent speaks for proven gone. */
  #answered(question: PodQuestion, answer: PodAnswer): void {
    const { store } = this.#options.knowledge;
    const { podUid, namespace, name } = question;
    if (answer.type === 'found' && answer.uid === podUid && answer.nodeName !== undefined) {
      store.placed(podUid, answer.nodeName, this.#edges.clock.now());
    }
    const reported = store.pods.get(podUid);
    if (reported && answer.type === 'found' && agreesWithReport(answer, reported))
      this.#work?.confirmed(podUid, answer.profile);
    else if (reported && (store.hasWitness(podUid) || !provesGone(answer, podUid))) {
      this.#edges.log.warn('an agent and the API server do not agree about a Pod yet', { pod: `${namespace}/${name}` });
      if (provesGone(answer, podUid)) this.#work?.podNotFound(podUid, 'nowhere');
    } else if (provesGone(answer, podUid)) {
      this.#edges.log.info('a bound Pod is proven gone', { pod: `${namespace}/${name}`, podUid });
      store.provenGone(podUid, this.#edges.clock.now());
    }
  }
}
