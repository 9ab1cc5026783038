import type { Clock } from '../../common/clock.ts';
import { GateState } from '../../common/pod-record.ts';
import type { ClusterView, PodView } from '../core/cluster-view.ts';
import { entryProgress } from '../core/entry-progress.ts';
import { type GateDecision, type GateReason, gateDecision } from '../core/gate.ts';
import { GateLatches } from '../core/gate-latch.ts';
import type { Rule } from '../core/rule.ts';
import type { PlacedRule, RuleTarget } from '../core/rule-state.ts';
import { unhealthyTargets } from '../core/unhealthy-targets.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { LiveGates } from './live-gates.ts';
import type { PodEntries } from './pod-entries.ts';
import { UnhealthySince } from './unhealthy-since.ts';

export interface GateKeeperOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly ports: Pick<LeaderPorts, 'writeGate' | 'dropGate'>;
  /** Told how far each Pod has come. */
  readonly entries: Pick<PodEntries, 'looked'>;
  /** Every rule that selects the Pod, those without a place included. */
  readonly rulesOf: (podUid: string) => readonly Rule[];
  readonly targetAt: (podUid: string, loadBalancerId: string, key: string) => RuleTarget | undefined;
  /** Undefined: what is open stays open whatever becomes of its health. */
  readonly live: LiveGates | undefined;
  /** CLB's limit of targets on the rule, where it leaves Pods of the rule out. */
  readonly quotaOf: (rule: PlacedRule) => number | undefined;
  /** Whether what reads show of the Pod's targets is for good: the leader before may still be changing them. */
  readonly isCertain: (podUid: string) => boolean;
  readonly isProvenUnselected: (pod: PodView) => boolean;
  /** The first Pod waits for the health of its target on this load balancer, or the last one waits no more. */
  readonly onWaits: (loadBalancerId: string, waits: boolean) => void;
}

/** A new leader shuts no gate before agents must have told of those that were opened last. */
const NO_CLOSING_MS = 5_000;
const SHUT_MEANWHILE = 'It was shut meanwhile by a late write.';
/** What CLB still has to say. */
const WAITS_FOR_CLOUD: ReadonlySet<GateReason> = new Set([
  'WaitingForLoadBalancer',
  'WaitingForRegistration',
  'WaitingForHealthCheck',
]);

/** The readiness gates of a term: each Pod is looked at again when something about it or its targets changed (law L3). */
export class GateKeeper {
  readonly #options: GateKeeperOptions;
  readonly #startedAt: number;
  readonly #latches = new GateLatches();
  /** Pods whose gates may not be shut yet, or not be judged at all. */
  readonly #deferred = new Set<string>();
  /** Pods whose gates somebody else shut after they had been opened here: what was written last does not stand. */
  readonly #shut = new Set<string>();
  readonly #unhealthy: UnhealthySince;
  /** The load balancers whose word each Pod waits for. */
  readonly #waits = new Map<string, readonly string[]>();
  readonly #waiting = new Map<string, number>();

  constructor(options: GateKeeperOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#unhealthy = new UnhealthySince(options.clock);
  }

  /** Decides about the Pod's gate as things are now. */
  look(podUid: string): void {
    const pod = this.#options.view.pods.get(podUid);
    if (!pod) {
      this.#forget(podUid);
      return;
    }
    if (pod.deletionSeenAt !== undefined) this.#options.ports.dropGate(podUid);
    const latch = pod.record.gate === GateState.ABSENT ? 'latched' : this.#latches.look(pod);
    if (latch === 'latched' && !this.#shutsLive(pod)) {
      this.#wait(podUid, []);
      this.#options.entries.looked(podUid, [], undefined, this.#options.clock.now());
      return;
    }
    if (latch === 'shut') this.#shut.add(podUid);
    if (!this.#options.isCertain(podUid)) {
      this.#deferred.add(podUid);
      return;
    }
    const rules = this.#options.rulesOf(podUid);
    const input = this.#inputOf(pod, rules);
    this.#unhealthy.look(
      podUid,
      unhealthyTargets(input).map(({ key }) => key),
    );
    const provenUnselected = rules.length === 0 && this.#options.isProvenUnselected(pod);
    const unhealthySinceMs = (key: string) => this.#unhealthy.of(podUid, key)?.wallMs;
    const decision = gateDecision({ ...input, provenUnselected, unhealthySinceMs, quotaOf: this.#options.quotaOf });
    this.#wait(podUid, waitsForCloud(decision) ? placesOf(rules) : []);
    const reason = decision.status === 'closed' ? decision.reason : undefined;
    this.#options.entries.looked(podUid, entryProgress(input), reason, this.#options.clock.now());
    this.#say(pod, decision);
  }

  /**
   * The user has had enough of waiting: opens the gate though the load balancer does not say that the Pod serves.
   * @returns whether it did
   */
  openByTime(podUid: string): boolean {
    const pod = this.#options.view.pods.get(podUid);
    if (!pod || pod.deletionSeenAt !== undefined || !this.#waits.has(podUid) || this.#isNew()) return false;
    this.#latches.open(pod);
    this.#wait(podUid, []);
    const message =
      'Opened by time (--open-stuck-gates-seconds): the load balancer does not say yet that the Pod serves.';
    this.#options.ports.writeGate(pod, { open: true, reason: 'OpenedByTime', message });
    return true;
  }

  /** The Pods whose gates could not be judged or shut before and may be now; each is handed out once. */
  takeDeferred(): readonly string[] {
    if (this.#isNew()) return [];
    const deferred = [...this.#deferred, ...(this.#options.live?.due() ?? [])];
    this.#deferred.clear();
    return deferred;
  }

  /** Whether the latched gate of the Pod is to shut because CLB finds it unhealthy. */
  #shutsLive(pod: PodView): boolean {
    const { live, isCertain, rulesOf } = this.#options;
    const { uid, gate } = pod.record;
    if (!live || gate === GateState.ABSENT || pod.deletionSeenAt !== undefined || !isCertain(uid)) {
      this.#unhealthy.forget(uid);
      return false;
    }
    const targets = unhealthyTargets(this.#inputOf(pod, rulesOf(uid)));
    this.#unhealthy.look(
      uid,
      targets.map(({ key }) => key),
    );
    const ailments = targets.flatMap(({ rule, key }) => {
      const since = this.#unhealthy.of(uid, key)?.at;
      return since === undefined ? [] : [{ rule, since }];
    });
    if (this.#isNew()) {
      this.#deferred.add(uid);
      return false;
    }
    if (!live.shuts(pod, ailments)) return false;
    this.#latches.release(pod);
    return true;
  }

  #inputOf(pod: PodView, rules: readonly Rule[]) {
    const targetAt = (loadBalancerId: string, key: string) =>
      this.#options.targetAt(pod.record.uid, loadBalancerId, key);
    return { pod, rules, targetAt };
  }

  #say(pod: PodView, decision: GateDecision): void {
    if (decision.status === 'unknown') return;
    const open = decision.status === 'open';
    // The leader before may have opened it a moment ago, and the agent not have told yet.
    if (!open && this.#isNew()) {
      this.#deferred.add(pod.record.uid);
      return;
    }
    if (open) {
      this.#latches.open(pod);
      this.#options.live?.opened(pod.record.uid);
    }
    // The same words would be taken for written already.
    const message = this.#shut.delete(pod.record.uid) ? `${decision.message} ${SHUT_MEANWHILE}` : decision.message;
    this.#options.ports.writeGate(pod, { open, reason: decision.reason, message });
  }

  #isNew(): boolean {
    return this.#options.clock.now() - this.#startedAt < NO_CLOSING_MS;
  }

  #forget(podUid: string): void {
    this.#latches.forget(podUid);
    this.#deferred.delete(podUid);
    this.#shut.delete(podUid);
    this.#unhealthy.forget(podUid);
    this.#options.live?.forget(podUid);
    this.#wait(podUid, []);
  }

  #wait(podUid: string, loadBalancerIds: readonly string[]): void {
    const before = this.#waits.get(podUid) ?? [];
    if (before.length === 0 && loadBalancerIds.length === 0) return;
    for (const id of loadBalancerIds) this.#count(id, 1);
    for (const id of before) this.#count(id, -1);
    if (loadBalancerIds.length === 0) this.#waits.delete(podUid);
    else this.#waits.set(podUid, loadBalancerIds);
  }

  #count(loadBalancerId: string, change: 1 | -1): void {
    const before = this.#waiting.get(loadBalancerId) ?? 0;
    const after = before + change;
    if (after === 0) this.#waiting.delete(loadBalancerId);
    else this.#waiting.set(loadBalancerId, after);
    if (before === 0 || after === 0) this.#options.onWaits(loadBalancerId, after > 0);
  }

  /** Whether a Pod waits for the load balancer's word. */
  waitsFor(loadBalancerId: string): boolean {
    return this.#waiting.has(loadBalancerId);
  }
}

function waitsForCloud(decision: GateDecision): boolean {
  return decision.status === 'closed' && WAITS_FOR_CLOUD.has(decision.reason);
}

function placesOf(rules: readonly Rule[]): readonly string[] {
  return [...new Set(rules.flatMap(rule => rule.place?.loadBalancerId ?? []))];
}
