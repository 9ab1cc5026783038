import { type Clock, sleep } from '../../common/clock.ts';
import { Protocol } from '../../common/pod-record.ts';
import { bindingKey } from '../core/binding-key.ts';
import type { ClusterView, PodView } from '../core/cluster-view.ts';
import type { GateReason } from '../core/gate.ts';
import type { Rule } from '../core/rule.ts';
import { type PlacedRule, placeOf, type RuleTarget } from '../core/rule-state.ts';
import { checkTypeOf } from '../loadbalancers/health-check-lint.ts';
import { causeOf, causeOfFailedCheck, gateStuck } from '../loadbalancers/stuck-gate.ts';
import { healthCheckAt } from '../loadbalancers/template-lint.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { PodEntries } from './pod-entries.ts';

export interface StuckGatesOptions {
  readonly view: Pick<ClusterView, 'pods'>;
  readonly clock: Clock;
  readonly entries: Pick<PodEntries, 'waitingLongerThan'>;
  readonly fleet: Pick<LaneFleet, 'get'>;
  readonly ports: Pick<LeaderPorts, 'probe' | 'reportPod' | 'reportOwner'>;
  /** Every rule that selects the Pod, those without a place included. */
  readonly rulesOf: (podUid: string) => readonly Rule[];
  readonly targetAt: (podUid: string, loadBalancerId: string, key: string) => RuleTarget | undefined;
  /** How long a gate may wait for something other than its Pod before it counts as stuck; 0: for ever. */
  readonly afterMs: number;
  /** How long before it is opened all the same; 0: never. */
  readonly openAfterMs: number;
  readonly onOpenByTime: (podUid: string) => void;
}

const LOOK_INTERVAL_MS = 5_000;
/** An outage of a load balancer concerns thousands: a few are enough to tell why. */
const TOLD_PER_LOOK_MAX = 8;
const TELL_AGAIN_MS = 600_000;
const PROBE_TIMEOUT_MS = 1_000;

/** Gates that stay shut for long: tells on the Pod and on what made it why that may be, having asked the Pod's own node. */
export class StuckGates {
  readonly #options: StuckGatesOptions;
  /** When each stuck gate was told. */
  #toldAt: ReadonlyMap<string, number> = new Map();

  constructor(options: StuckGatesOptions) {
    this.#options = options;
  }

  /** Looks until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      this.#open();
      await this.#tell(signal);
    }
  }

  #open(): void {
    const { entries, clock, openAfterMs, onOpenByTime } = this.#options;
    if (openAfterMs === 0) return;
    for (const { podUid } of [...entries.waitingLongerThan(openAfterMs, clock.now())]) onOpenByTime(podUid);
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { entries, clock, afterMs } = this.#options;
    if (afterMs === 0) return;
    const now = clock.now();
    const stuck = [...entries.waitingLongerThan(afterMs, now)];
    const due = stuck.filter(({ podUid }) => now - (this.#toldAt.get(podUid) ?? -TELL_AGAIN_MS) >= TELL_AGAIN_MS);
    const chosen = due.slice(0, TOLD_PER_LOOK_MAX);
    const chosenUids = new Set(chosen.map(({ podUid }) => podUid));
    this.#toldAt = new Map(
      stuck.flatMap(({ podUid }) => {
        const at = chosenUids.has(podUid) ? now : this.#toldAt.get(podUid);
        return at === undefined ? [] : [[podUid, at] as const];
      }),
    );
    await Promise.all(chosen.map(({ podUid, reason }) => this.#tellOf(podUid, reason, signal)));
  }

  async #tellOf(podUid: string, reason: GateReason, signal: AbortSignal): Promise<void> {
    const { view, ports, afterMs } = this.#options;
    const pod = view.pods.get(podUid);
    if (!pod) return;
    const cause = await this.#causeOf(pod, reason, signal).catch(error => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    // It may have left, or have opened, meanwhile.
    if (cause === undefined || view.pods.get(podUid) !== pod) return;
    const { namespace, name } = pod.record;
    ports.reportPod(pod.record, gateStuck(`The readiness gate of Pod ${namespace}/${name}`, afterMs, cause));
    ports.reportOwner(pod.record, owner => {
      const whose = `${owner.kind} ${owner.namespace}/${owner.name}`;
      return gateStuck(`The readiness gate of a Pod of ${whose}`, afterMs, cause);
    });
  }

  async #causeOf(pod: PodView, reason: GateReason, signal: AbortSignal): Promise<string> {
    const failed = reason === 'WaitingForHealthCheck' ? this.#failedCheck(pod) : undefined;
    if (!failed) return causeOf(reason);
    const { rule, address, port, check } = failed;
    const isAskedByTcp = rule.protocol !== Protocol.UDP && (!check || checkTypeOf(check, rule) !== 'PING');
    const door = { address, port, timeoutMs: PROBE_TIMEOUT_MS };
    const reached = isAskedByTcp ? await this.#options.ports.probe(pod.node, door, signal) : undefined;
    return causeOfFailedCheck({ rule, check, port, reached });
  }

  /** The first rule on which CLB does not find the Pod healthy. */
  #failedCheck(pod: PodView) {
    const { rulesOf, targetAt, fleet } = this.#options;
    for (const rule of rulesOf(pod.record.uid)) {
      const place = rule.place && placeOf(rule as PlacedRule, pod);
      const target = place && rule.place && targetAt(pod.record.uid, rule.place.loadBalancerId, bindingKey(place));
      const health = target?.bound?.health;
      if (!place || !rule.place || !target?.bound || health === 'healthy' || health === 'closed') continue;
      const lane = fleet.get(rule.place.loadBalancerId)?.lane;
      const check = lane && healthCheckAt(rule.place, lane.listeners);
      const port = check?.checkPort !== undefined && check.checkPort > 0 ? check.checkPort : place.port;
      return { rule, check, address: place.address, port };
    }
    return undefined;
  }
}
