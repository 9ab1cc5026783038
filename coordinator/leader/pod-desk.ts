import { GateState, type PodRecord } from '../../common/pod-record.ts';
import type { PodView } from '../core/cluster-view.ts';
import { LiveView } from '../core/live-view.ts';
import type { Rule } from '../core/rule.ts';
import type { Knowledge } from '../knowledge.ts';
import type { PodProfile } from '../kube/pod-profile.ts';
import { isLivingPod } from '../loadbalancers/missing-port.ts';
import { Confirmations } from './confirmations.ts';
import { Instances } from './instances.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { NodeDesk } from './node-desk.ts';
import { PodProfiles } from './pod-profiles.ts';

export interface PodDeskOptions {
  readonly knowledge: Knowledge;
  /**
   * Whether the Pod stands in the cloud as it is wanted, or that is not known yet: then nobody needs the API server's
   * word, and a new leader of a large cluster does not ask about every Pod.
   */
  readonly isInPlace: (pod: PodView) => boolean;
  readonly nodes: Pick<NodeDesk, 'signOf' | 'isInDoubt' | 'isSightAwaited'>;
  readonly ports: Pick<LeaderPorts, 'confirm' | 'findInstance'>;
}

/**
 * `missed`: a write found that it has the Pod no more. `nowhere`: nor had it when it was asked about what an agent tells.
 * `unanswered`: it did not answer.
 */
export type NotFound = 'missed' | 'nowhere' | 'unanswered';

/** So often in a row a question about a Pod fails before its agent is taken at its word. */
const UNANSWERED_MAX = 3;

/** What a term knows of each Pod: what agents report, what the API server confirmed, what the cloud calls its node. */
export class PodDesk {
  readonly view: LiveView;
  readonly #options: PodDeskOptions;
  readonly #confirmations = new Confirmations();
  readonly #profiles = new PodProfiles();
  readonly #instances: Instances;
  /** Pods of which the API server does not say where they are: it has them no more, or does not answer. */
  readonly #takenAtWord = new Set<string>();
  /** How often in a row it did not answer. */
  readonly #unanswered = new Map<string, number>();
  /** Pods that the API server has still to confirm. */
  readonly #unconfirmed = new Set<string>();

  constructor(options: PodDeskOptions) {
    this.#options = options;
    const { knowledge, ports } = options;
    this.#instances = new Instances(ports);
    this.view = new LiveView({
      store: knowledge.store,
      drains: () => knowledge.drains,
      isConfirmed: record => this.#confirmations.holdsFor(record),
      instanceOf: node => this.#instances.of(node),
      signOf: options.nodes.signOf,
      isInDoubt: options.nodes.isInDoubt,
      isTakenAtWord: podUid => this.#takenAtWord.has(podUid),
      isSightAwaited: options.nodes.isSightAwaited,
      isPartial: () => knowledge.isPartial(),
      hasUnseenNodes: () => knowledge.hasUnseenNodes(),
    });
  }

  /**
   * Takes over what is known of the Pod now.
   * @returns the UIDs of all Services that select it now or did before
   */
  refresh(podUid: string): ReadonlySet<string> {
    const services = this.view.refresh(podUid);
    if (!this.view.pods.has(podUid)) {
      this.#confirmations.forget(podUid);
      this.#profiles.forget(podUid);
      this.#answered(podUid);
    }
    return services;
  }

  /** The API server agrees with the agent about this Pod. */
  confirmed(podUid: string, profile: PodProfile | undefined): void {
    const stored = this.#options.knowledge.store.pods.get(podUid);
    if (!stored) return;
    this.#confirmations.add(stored.record);
    this.#answered(podUid);
    if (profile) this.#profiles.learn(podUid, profile);
  }

  /** What follows when the API server does not say where the Pod is. */
  notFound(podUid: string, answer: NotFound): void {
    switch (answer) {
      case 'missed':
        // Its agent's view is behind, and nothing more is opened on its word (law L5).
        this.doubted(podUid);
        return;
      case 'nowhere':
        // Nobody contradicts its agent.
        this.#takeAtWord(podUid);
        return;
      case 'unanswered':
        this.#unansweredOnceMore(podUid);
    }
  }

  #takeAtWord(podUid: string): void {
    if (this.#options.knowledge.store.pods.has(podUid)) this.#takenAtWord.add(podUid);
  }

  /**
   * The API server did not answer: drains go on without it by what agents say (law L4), also of Pods of which it has not
   * told this term where they are.
   */
  #unansweredOnceMore(podUid: string): void {
    if (!this.#options.knowledge.store.pods.has(podUid)) return;
    const failures = (this.#unanswered.get(podUid) ?? 0) + 1;
    this.#unanswered.set(podUid, failures);
    if (failures >= UNANSWERED_MAX) this.#takenAtWord.add(podUid);
  }

  /** What the templates of Pods that the rule selects say, as far as this term was told, each once. */
  profilesBehind(rule: Rule): readonly PodProfile[] {
    const profiles = new Set<PodProfile>();
    for (const { record } of this.view.podsSelectedBy(rule)) {
      const profile = isLivingPod(record) ? this.#profiles.of(record.uid) : undefined;
      if (profile) profiles.add(profile);
    }
    return [...profiles];
  }

  /**
   * A hook is held that no deletion explains. The agent's view may be behind (law L4): the Pod opens again only when the
   * API server, asked after the call, knows of no deletion either.
   */
  doubted(podUid: string): void {
    this.#confirmations.forget(podUid);
  }

  /** The cloud's name of a node. @returns the Pods that waited for it */
  instanceFound(node: string, instanceId: string | undefined): Iterable<string> {
    return this.#instances.found(node, instanceId);
  }

  /** Asks again for what is not answered yet; who answers bounds how often. */
  askAgain(): void {
    for (const uid of this.#unconfirmed) this.ask(uid);
  }

  /** What agents report of the Pods that the Service selects. */
  recordsOf(serviceUid: string): PodRecord[] {
    const records: PodRecord[] = [];
    for (const uid of this.view.podUidsOf(serviceUid)) {
      const pod = this.view.pods.get(uid);
      if (pod) records.push(pod.record);
    }
    return records;
  }

  /** Whether any Pod that the rule selects could serve. */
  hasReadyPods(rule: Rule): boolean {
    return this.view.podsSelectedBy(rule).some(pod => pod.record.ready && pod.deletionSeenAt === undefined);
  }

  /** Asks for what has to be known about a Pod before it can be bound or opened. */
  ask(podUid: string): void {
    const pod = this.view.pods.get(podUid);
    const isSelected = this.view.servicesOf(podUid).size > 0;
    const isWanted = pod !== undefined && pod.record.addresses.length > 0 && isSelected;
    // That nobody selects it opens its gate, so its labels have to be known.
    const isGated = pod?.record.gate === GateState.CLOSED && !isSelected;
    const isUnproven = pod && !pod.confirmed && (isGated || (isWanted && !this.#options.isInPlace(pod)));
    if (pod && (isUnproven || this.#options.knowledge.store.isDisputed(podUid))) {
      this.#unconfirmed.add(podUid);
      this.#options.ports.confirm(pod);
    } else this.#unconfirmed.delete(podUid);
    if (isWanted && pod.record.hostNetwork) this.#instances.want(pod);
  }

  #answered(podUid: string): void {
    this.#takenAtWord.delete(podUid);
    this.#unanswered.delete(podUid);
  }
}
