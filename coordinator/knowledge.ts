import type { ReflectorEvent } from '../common/kube/reflector.ts';
import { type DrainAnswer, DrainPhase } from '../proto/gen/clbdirect/v1/report.ts';
import { AgentPresence } from './core/agent-presence.ts';
import { type Drain, type DrainLedger, drainEndsAt, expireDrains, recordDrain } from './core/drain-ledger.ts';
import { API_SERVER, type Teller } from './core/node-reports.ts';
import { ReportStore } from './core/report-store.ts';
import { KnownObjects } from './known-objects.ts';
import type { IngressRecord } from './kube/ingress-reflector.ts';
import type { NodeRecord } from './kube/node-reflector.ts';
import type { ServiceRecord } from './kube/service-reflector.ts';
import type { TkeServiceConfigRecord } from './kube/tke-service-config-reflector.ts';
import { KnownNodes } from './nodes/known-nodes.ts';
import type { ReportEvent, SessionOpened } from './reports/report-event.ts';

/** The session in which it is told that a node has left the cluster. */
const NODE_GONE = 'the node is gone';

/** Kinds without which Services can be served. */
export type OptionalKind = 'Ingress' | 'TkeServiceConfig';

const OPTIONAL_KINDS: readonly OptionalKind[] = ['Ingress', 'TkeServiceConfig'];

/** One thing of which another is known than before. */
export type KnowledgeChange =
  /** Its record, its hook, or whether it is there. */
  | { readonly kind: 'pod'; readonly podUid: string }
  /** `namespace/name` of the object. */
  | { readonly kind: 'service' | 'ingress' | 'tke-service-config'; readonly key: string }
  /** An agent asked for its answer again. */
  | { readonly kind: 'drain-asked'; readonly podUid: string }
  /** A hook was answered, and its agent tells how the drain ended. */
  | { readonly kind: 'drain-answered'; readonly podUid: string; readonly answer: DrainAnswer }
  /** A kind of objects may be read now, or no more. */
  | { readonly kind: 'rights' }
  /** The end of the node is announced otherwise than before. */
  | { readonly kind: 'node'; readonly node: string };

/**
 * What every replica keeps warm, leader or not: the agents' reports, the drains they hold, the Services and Ingresses, the Nodes. A
 * leader that takes over acts from it at once.
 */
export class Knowledge {
  readonly store = new ReportStore(
    podUid => this.#tell({ kind: 'pod', podUid }),
    node => this.#tell({ kind: 'node', node }),
  );
  /** Whether the nodes' agents speak to this replica. */
  readonly presence = new AgentPresence();
  readonly nodes = new KnownNodes();
  readonly #followers = new Set<(change: KnowledgeChange) => void>();
  readonly services = new KnownObjects<ServiceRecord>(key => this.#tell({ kind: 'service', key }));
  readonly ingresses = new KnownObjects<IngressRecord>(key => this.#tell({ kind: 'ingress', key }));
  readonly tkeServiceConfigs = new KnownObjects<TkeServiceConfigRecord>(key =>
    this.#tell({ kind: 'tke-service-config', key }),
  );
  #drains: DrainLedger = new Map();
  /** Drains whose agent asked (again) and has to be answered even if nothing changed. */
  readonly #asked = new Set<string>();

  get drains(): DrainLedger {
    return this.#drains;
  }

  /**
   * False until all Services, Ingresses and TkeServiceConfigs were listed once: until then nobody knows what is wanted. What
   * may not be read holds up nothing else (law L10).
   */
  get wishesKnown(): boolean {
    return this.services.areKnown && [this.ingresses, this.tkeServiceConfigs].every(isAnswered);
  }

  /** The kinds that the API server does not let this replica read: of their objects nothing is known, or nothing new. */
  get forbiddenKinds(): readonly OptionalKind[] {
    return OPTIONAL_KINDS.filter(kind => this.#objectsOf(kind).areForbidden);
  }

  /** A list or watch of the kind was refused for want of a right. */
  forbid(kind: OptionalKind): void {
    if (this.#objectsOf(kind).forbid()) this.#tell({ kind: 'rights' });
  }

  applyIngresses(event: ReflectorEvent<IngressRecord>): void {
    this.#allow('Ingress', () => this.ingresses.apply(event));
  }

  applyTkeServiceConfigs(event: ReflectorEvent<TkeServiceConfigRecord>): void {
    this.#allow('TkeServiceConfig', () => this.tkeServiceConfigs.apply(event));
  }

  /** The cluster does not know the kind: there is none. */
  absent(kind: OptionalKind): void {
    this.#allow(kind, () => this.#objectsOf(kind).empty());
  }

  /** Whether there are nodes of whose Pods nobody has told yet: this replica has just begun, or they are cut off. */
  isPartial(): boolean {
    for (const node of this.nodes.names) {
      const isTold = this.presence.isReporting(node) || this.store.nodes.get(node)?.isWatched === true;
      const hasPods = this.store.podUidsOf(node)[Symbol.iterator]().next().done !== true;
      if (!isTold && !hasPods && this.nodes.objectOf(node) === 'ready') return true;
    }
    return false;
  }

  /** Whether there are nodes whose agents do not see their Pods, and whom nobody watches in their place yet. */
  hasUnseenNodes(): boolean {
    for (const { isUnseen } of this.store.nodes.values()) if (isUnseen) return true;
    return false;
  }

  /** Tells `follower` of every change from now on. @returns what ends that */
  follow(follower: (change: KnowledgeChange) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** The UIDs of Pods whose agents wait for a DrainUpdate; each is handed out once. */
  takeAsked(): readonly string[] {
    const asked = [...this.#asked];
    this.#asked.clear();
    return asked;
  }

  applyReport(event: ReportEvent, now: number): void {
    switch (event.type) {
      case 'opened':
        this.store.open(event.node, event.session, tellerOf(event));
        this.presence.opened(event.node, event.session, now);
        return;
      case 'snapshot':
        this.presence.told(event.node, event.session, now);
        this.store.replace(event.node, event.pods, { ...event, now });
        return;
      case 'closed':
        this.store.close(event.node, event.session);
        this.presence.closed(event.node, event.session, now);
        return;
      default:
        this.presence.heard(event.node, now);
        this.#applyWord(event, now);
    }
  }

  #applyWord(
    event: Extract<ReportEvent, { type: 'delta' | 'heard' | 'blinded' | 'drain' | 'notice' }>,
    now: number,
  ): void {
    switch (event.type) {
      case 'delta':
        this.store.apply(event.node, event, now);
        return;
      case 'drain':
        this.#drain(event, now);
        return;
      case 'notice':
        this.store.notice(event.node, event.session, event.signs);
        return;
      case 'blinded':
        this.store.blinded(event.node, event.session);
        return;
      case 'heard':
        return;
    }
  }

  applyNodes(event: ReflectorEvent<NodeRecord>, now: number): void {
    this.nodes.apply(event, now);
    if (event.type === 'progressed') return;
    for (const node of event.type === 'replaced' ? this.nodes.names : [event.key]) {
      if (this.nodes.get(node)) this.presence.expect(node, now);
    }
    if (event.type !== 'applied') this.#forgetNodes();
  }

  /** Forgets what time has made meaningless. */
  expire(now: number): void {
    const { ledger, expired } = expireDrains(this.#drains, now);
    this.#drains = ledger;
    for (const podUid of expired) this.#tell({ kind: 'pod', podUid });
    this.store.expire(now);
    this.#forgetNodes();
  }

  /**
   * Forgets the Pods of nodes that have left the cluster and of which nobody tells. For a replica that does not lead: the
   * leader watches such nodes itself. It buries nobody, so that a later leader asks the API server about each target (law L1).
   */
  forgetNodesGone(now: number): void {
    for (const [node, { connected }] of [...this.store.nodes]) {
      if (connected || this.nodes.objectOf(node) !== 'gone') continue;
      this.store.open(node, NODE_GONE, API_SERVER);
      this.store.replace(node, [], { consistent: true, now, session: NODE_GONE });
      this.store.close(node, NODE_GONE);
    }
    this.#forgetNodes();
  }

  /** Those that have neither an object nor Pods nor a stream. */
  #forgetNodes(): void {
    for (const node of this.presence.nodes) {
      if (!this.nodes.get(node) && !this.store.nodes.has(node)) this.presence.forget(node);
    }
  }

  /** When `expire` will have something to do, for a timer. */
  nextExpiryAt(): number | undefined {
    const times = [...this.#drains.values()].map(drainEndsAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #drain({ node, session, request }: Extract<ReportEvent, { type: 'drain' }>, now: number): void {
    const phase = phaseOf(request.phase);
    const stored = this.store.pods.get(request.podUid);
    // An agent may hold hooks only of its own node's Pods (law L12), be they gone already.
    const owner = stored?.node ?? this.#drains.get(request.podUid)?.node;
    if (!phase || (stored && stored.node !== node)) return;
    const { podUid, budgetMs, answer } = request;
    const { agent } = this.store.tellerOf(node, session);
    this.#drains = recordDrain(this.#drains, { podUid, node, agent, phase, budgetMs }, now);
    this.#tell({ kind: 'pod', podUid });
    if (phase === 'answered') {
      if (answer && (owner === undefined || owner === node)) this.#tell({ kind: 'drain-answered', podUid, answer });
      return;
    }
    this.#asked.add(podUid);
    this.#tell({ kind: 'drain-asked', podUid });
  }

  #objectsOf(kind: OptionalKind): Pick<KnownObjects<never>, 'areForbidden' | 'forbid' | 'empty'> {
    return kind === 'Ingress' ? this.ingresses : this.tkeServiceConfigs;
  }

  #allow(kind: OptionalKind, take: () => void): void {
    const wasForbidden = this.#objectsOf(kind).areForbidden;
    take();
    if (wasForbidden) this.#tell({ kind: 'rights' });
  }

  #tell(change: KnowledgeChange): void {
    for (const follower of this.#followers) follower(change);
  }
}

function isAnswered({ areKnown, areForbidden }: { areKnown: boolean; areForbidden: boolean }): boolean {
  return areKnown || areForbidden;
}

function tellerOf({ agentPodUid, epoch, startedAtMs }: SessionOpened): Teller {
  return { agent: `${agentPodUid}/${epoch}`, startedAtMs };
}

function phaseOf(phase: DrainPhase): Drain['phase'] | undefined {
  switch (phase) {
    case DrainPhase.BEGIN:
      return 'begun';
    case DrainPhase.CONNECTIONS_ENDED:
      return 'connections-ended';
    case DrainPhase.ANSWERED:
      return 'answered';
    default:
      return undefined;
  }
}
