import type { Clock } from '../../common/clock.ts';
import { GateState } from '../../common/pod-record.ts';
import { bindingKey } from '../core/binding-key.ts';
import { type BrakeHistory, chargeBrake } from '../core/brake.ts';
import type { ClusterView, PodView } from '../core/cluster-view.ts';
import { DEFAULT_LIVE_GATE, type GateHistory, liveGate } from '../core/live-gate.ts';
import { type PlacedRule, placeOf, type RuleTarget } from '../core/rule-state.ts';

export interface LiveGatesOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly targetAt: (podUid: string, loadBalancerId: string, key: string) => RuleTarget | undefined;
}

/** A rule on which CLB finds a Pod unhealthy, since that monotonic time. */
export interface Ailment {
  readonly rule: PlacedRule;
  readonly since: number;
}

const NEVER: GateHistory = { shutCount: 0, openedAt: undefined };

/** Which open gates shut again because CLB finds their Pods unhealthy (the flag --live-gate). */
export class LiveGates {
  readonly #options: LiveGatesOptions;
  readonly #histories = new Map<string, GateHistory>();
  /** Pods whose gates are shut now because of health. */
  readonly #shut = new Set<string>();
  /** When to decide again about Pods that stay open. */
  readonly #lookAgainAt = new Map<string, number>();
  #charges: BrakeHistory = new Map();

  constructor(options: LiveGatesOptions) {
    this.#options = options;
  }

  /** Whether the open gate of the Pod shuts now; then it is counted as shut. */
  shuts(pod: PodView, ailments: readonly Ailment[]): boolean {
    const { uid } = pod.record;
    this.#lookAgainAt.delete(uid);
    if (ailments.length === 0) return false;
    const now = this.#options.clock.now();
    const history = this.#histories.get(uid) ?? NEVER;
    const rules = ailments.map(({ rule, since }) => ({
      id: rule.id,
      unhealthySince: since,
      ...this.#company(pod, rule),
    }));
    const decision = liveGate({ rules, history, charges: this.#charges, now }, DEFAULT_LIVE_GATE);
    if (!decision.shuts) {
      if (decision.lookAgainAt !== undefined) this.#lookAgainAt.set(uid, decision.lookAgainAt);
      return false;
    }
    this.#shut.add(uid);
    this.#histories.set(uid, { ...history, shutCount: history.shutCount + 1 });
    const charge = { limits: DEFAULT_LIVE_GATE.brake, now };
    for (const { id } of rules) this.#charges = chargeBrake(this.#charges, id, 1, charge);
    return true;
  }

  /** The Pod's gate is opened. */
  opened(podUid: string): void {
    const history = this.#histories.get(podUid);
    if (this.#shut.delete(podUid) && history) {
      this.#histories.set(podUid, { ...history, openedAt: this.#options.clock.now() });
    }
  }

  /** Pods about which it is time to decide again. */
  *due(): Iterable<string> {
    const now = this.#options.clock.now();
    for (const [podUid, at] of this.#lookAgainAt) if (at <= now) yield podUid;
  }

  forget(podUid: string): void {
    this.#histories.delete(podUid);
    this.#shut.delete(podUid);
    this.#lookAgainAt.delete(podUid);
  }

  #company(pod: PodView, rule: PlacedRule): { openPods: number; healthyOthers: number } {
    const open = this.#options.view.podsSelectedBy(rule).filter(other => this.#isOpen(other));
    const others = open.filter(other => other.record.uid !== pod.record.uid);
    return { openPods: open.length, healthyOthers: others.filter(other => this.#isHealthy(other, rule)).length };
  }

  #isOpen({ record, deletionSeenAt }: PodView): boolean {
    return (
      record.gate !== GateState.CLOSED && record.ready && deletionSeenAt === undefined && !this.#shut.has(record.uid)
    );
  }

  #isHealthy(pod: PodView, rule: PlacedRule): boolean {
    const place = placeOf(rule, pod);
    const target = place && this.#options.targetAt(pod.record.uid, rule.place.loadBalancerId, bindingKey(place));
    return target?.bound?.mark?.podUid === pod.record.uid && target.bound.health === 'healthy';
  }
}
