import { GateState, type PodRecord } from '../../common/pod-record.ts';
import { bindingKey } from '../../coordinator/core/binding-key.ts';
import { type ClusterView, clusterView } from '../../coordinator/core/cluster-view.ts';
import { type DrainLedger, expireDrains, recordDrain } from '../../coordinator/core/drain-ledger.ts';
import { gateDecision } from '../../coordinator/core/gate.ts';
import {
  chargeWrite,
  DEFAULT_PLAN_LIMITS,
  type LanePlan,
  type LanePlanInput,
  planLane,
  type TargetWrite,
} from '../../coordinator/core/lane-plan.ts';
import { parseMark } from '../../coordinator/core/mark.ts';
import { NODE_SIGN_KINDS, type NodeSignKind } from '../../coordinator/core/node-sign.ts';
import type { ObservedBinding, ObservedHealth } from '../../coordinator/core/observation.ts';
import { placedRule } from '../../coordinator/core/pod.fixture.ts';
import { ReportStore } from '../../coordinator/core/report-store.ts';
import { selects } from '../../coordinator/core/rule.ts';
import type { PlacedRule } from '../../coordinator/core/rule-state.ts';
import type { TargetOperation } from '../../coordinator/core/target-operation.ts';
import {
  beginWrite,
  EMPTY_LANE_STATE,
  endWrite,
  type LaneState,
  mayTry,
  mergeBindings,
  mergeHealth,
} from '../../coordinator/lanes/lane-state.ts';
import { deleted, exited, gateOpened, ready, starting } from './pod-changes.ts';

const CLUSTER = 'c1';
const DRAIN_NODE_ON: ReadonlySet<NodeSignKind> = new Set(NODE_SIGN_KINDS.filter(kind => kind !== 'cordoned'));

/** A Pod as it really is, whatever has been reported of it. */
export interface TruePod {
  record: PodRecord;
  readonly node: string;
  /** The object is gone from the API server. */
  gone: boolean;
}

/** What the cloud really holds; the plan sees it only through reads. */
export interface TrueBinding extends ObservedBinding {
  health: ObservedHealth['health'];
}

/**
 * A cluster, a cloud and a leader's memory in miniature. Every method is one thing that can happen; the law tests call
 * them in any order and look at each write before it reaches the cloud.
 */
export class CoreWorld {
  now = 1_000;
  readonly pods: TruePod[] = [];
  readonly cloud = new Map<string, TrueBinding>();
  readonly rules: PlacedRule[];
  store = new ReportStore();
  drains: DrainLedger = new Map();
  confirmed = new Set<string>();
  lane: LaneState = EMPTY_LANE_STATE;
  previous: LanePlan | undefined;
  targetsPerRuleMax = Number.POSITIVE_INFINITY;
  isSaturated = false;
  quarantined: ReadonlyMap<string, string> = new Map();
  /** Nodes that nobody reaches, and those of which it is being found out. */
  lostNodes = new Set<string>();
  doubtedNodes = new Set<string>();
  /** Of the new Pods of some node nobody tells. */
  hasUnseenNodes = false;
  #names = 0;

  constructor(rules: readonly { port: number; app: string }[]) {
    this.rules = rules.map(({ port, app }, index) =>
      placedRule({
        id: `s${index}/TCP/${port}`,
        service: { namespace: 'default', name: `s${index}`, uid: `s${index}` },
        port,
        selector: { app },
        place: { loadBalancerId: 'lb-1', listenerId: `lbl-${index}`, locationId: '' },
      }),
    );
  }

  addPod(options: { node: string; address: string; app: string; hash?: string }): void {
    const holder = this.pods.find(pod => !pod.gone && ownsAddress(pod, options.address));
    if (holder) return;
    this.#names += 1;
    const uid = `pod-${this.#names}`;
    this.pods.push({ node: options.node, gone: false, record: starting(uid, { ...options, createdAtMs: this.now }) });
  }

  change(index: number, edit: (record: PodRecord) => PodRecord): void {
    const pod = this.#pick(index);
    if (pod && !pod.gone) pod.record = edit(pod.record);
  }

  /** The API object goes, as it does after every container has ended. */
  finish(index: number): void {
    const pod = this.#pick(index);
    if (!pod?.record.deletion) return;
    pod.record = exited(pod.record);
    pod.gone = true;
  }

  /** A Pod is deleted, and before its agent tells of its end, its address goes to a new one. */
  reuseAddress(index: number, node: string): void {
    const [address] = this.#pick(index)?.record.addresses ?? [];
    if (address === undefined) return;
    this.change(index, deleted);
    this.reportOne(index);
    this.finish(index);
    this.addPod({ node, address, app: 'web' });
    this.reportOne(this.pods.length - 1);
  }

  snapshot(node: string, consistent: boolean): void {
    const records = this.pods.filter(pod => pod.node === node && !pod.gone).map(pod => pod.record);
    this.store.replace(node, consistent ? records : records.slice(1), { consistent, now: this.now });
  }

  reportOne(index: number): void {
    const pod = this.#pick(index);
    if (!pod) return;
    const delta = pod.gone ? { upserts: [], removals: [pod.record.uid] } : { upserts: [pod.record], removals: [] };
    this.store.apply(pod.node, delta, this.now);
  }

  /** The node's agent tells what announces the node's end now. */
  announce(node: string, ...kinds: readonly NodeSignKind[]): void {
    this.store.notice(
      node,
      's',
      kinds.map(kind => ({ kind, detail: '', seenAtMs: 0 })),
    );
  }

  /** Neighbours say that they do not reach the node, or that they do again. */
  judge(node: string, isLost: boolean): void {
    this.doubtedNodes.delete(node);
    if (isLost) this.lostNodes.add(node);
    else this.lostNodes.delete(node);
  }

  /** The node's agent has fallen silent. */
  doubt(node: string): void {
    if (!this.lostNodes.has(node)) this.doubtedNodes.add(node);
  }

  confirm(index: number): void {
    const pod = this.#pick(index);
    if (!pod || pod.gone) return;
    this.confirmed.add(pod.record.uid);
    this.store.placed(pod.record.uid, pod.node, this.now);
  }

  hook(index: number, phase: 'begun' | 'connections-ended' | 'answered'): void {
    const pod = this.#pick(index);
    if (!pod) return;
    const request = { podUid: pod.record.uid, node: pod.node, phase, budgetMs: 30_000 };
    this.drains = recordDrain(this.drains, request, this.now);
  }

  health(index: number, health: ObservedHealth['health']): void {
    const entries = [...this.cloud.values()];
    const binding = entries[index % Math.max(1, entries.length)];
    if (binding) binding.health = health;
  }

  advance(durationMs: number): void {
    this.now += durationMs;
    this.drains = expireDrains(this.drains, this.now).ledger;
    this.store.expire(this.now);
  }

  /** Another replica takes over: everything that was only in memory is gone. */
  newLeader(): void {
    this.store = new ReportStore();
    this.drains = new Map();
    this.confirmed = new Set();
    this.lane = EMPTY_LANE_STATE;
    this.previous = undefined;
    for (const node of this.lostNodes) this.doubtedNodes.add(node);
    this.lostNodes = new Set();
  }

  read(): void {
    const bindings = [...this.cloud.values()];
    const listenerIds = this.rules.map(rule => rule.place.listenerId);
    this.lane = mergeBindings(this.lane, { listenerIds, startedAt: this.now, bindings });
    this.lane = mergeHealth(this.lane, { startedAt: this.now, health: bindings });
  }

  view(): ClusterView {
    const view = clusterView({
      store: this.store,
      drains: this.drains,
      confirmed: this.confirmed,
      drainNodeOn: DRAIN_NODE_ON,
      lostNodes: this.lostNodes,
      doubtedNodes: this.doubtedNodes,
    });
    return { ...view, hasUnseenNodes: () => this.hasUnseenNodes };
  }

  /** The user edits the Service behind a rule. */
  editRule(index: number, fields: Partial<PlacedRule>): void {
    const at = index % this.rules.length;
    const rule = this.rules[at];
    if (rule) this.rules[at] = { ...rule, ...fields };
  }

  /** Somebody else binds a target of theirs, if nothing is bound there. */
  addForeign(index: number, target: { address: string; tag: string }): void {
    const rule = this.rules[index % this.rules.length];
    const place = rule && { ...rule.place, address: target.address, port: 80 };
    if (!place || this.cloud.has(bindingKey(place))) return;
    this.cloud.set(bindingKey(place), { ...place, weight: 10, tag: target.tag, health: 'healthy' });
  }

  /** CLB refuses a target, or has come to take it. */
  refuse(index: number, { address, isRefused }: { address: string; isRefused: boolean }): void {
    const rule = this.rules[index % this.rules.length];
    if (!rule) return;
    const key = bindingKey({ ...rule.place, address, port: 80 });
    const others = [...this.quarantined].filter(([other]) => other !== key);
    this.quarantined = new Map(isRefused ? [...others, [key, 'CD2009']] : others);
  }

  /** Opens and reports the gates that may be opened by what was read; answers with how many. */
  openGates(): number {
    let opened = 0;
    for (const [index, pod] of this.pods.entries()) {
      if (pod.gone || pod.record.gate !== GateState.CLOSED || !this.#mayOpenGate(pod.record.uid)) continue;
      pod.record = gateOpened(pod.record);
      this.reportOne(index);
      opened += 1;
    }
    return opened;
  }

  #mayOpenGate(podUid: string): boolean {
    const pod = this.view().pods.get(podUid);
    if (!pod || !this.previous) return false;
    const targets = new Map(this.previous.states.flatMap(state => state.targets.map(target => [target.key, target])));
    const decision = gateDecision({
      pod,
      rules: this.rules.filter(rule => selects(rule, pod.record)),
      targetAt: (_, key) => targets.get(key),
      provenUnselected: false,
    });
    return decision.status === 'open';
  }

  /** What the leader plans with now. */
  planInput(): LanePlanInput {
    return {
      rules: this.rules,
      view: this.view(),
      cluster: CLUSTER,
      observation: this.lane.observation,
      transactions: this.lane.transactions,
      memory: this.lane.memory,
      limits: DEFAULT_PLAN_LIMITS,
      mayTry: operation => mayTry(this.lane, operation, this.now),
      now: this.now,
      previous: this.previous,
      dirty: 'all',
      sizeMax: DEFAULT_PLAN_LIMITS.batchSizeMax,
      isSaturated: this.isSaturated,
      quarantined: this.quarantined,
      targetsPerRuleMax: () => this.targetsPerRuleMax,
    };
  }

  plan(): LanePlan | undefined {
    if (!this.lane.observed) return undefined;
    const plan = planLane(this.planInput());
    this.lane = { ...this.lane, memory: plan.memory };
    this.previous = plan;
    return plan;
  }

  /** Sends a write; `outcome` tells what the cloud does with it and what it answers. */
  send(write: TargetWrite, outcome: 'done' | 'lost-reply' | 'refused' | 'ignored'): void {
    this.lane = beginWrite(this.lane, write, this.now);
    const memory = chargeWrite(this.lane.memory, write, DEFAULT_PLAN_LIMITS.brake, this.now);
    this.lane = { ...this.lane, memory };
    if (outcome === 'done' || outcome === 'lost-reply')
      for (const operation of write.operations) this.#apply(operation);
    this.now += 1;
    this.lane = endWrite(this.lane, write, { done: outcome !== 'refused', counts: true, now: this.now });
    this.now += 1;
  }

  /** Lets the lane work until nothing is left to write. */
  settle(): void {
    this.read();
    for (let plan = this.plan(); plan; plan = this.plan()) {
      if (plan.write) this.send(plan.write, 'done');
      else if (!this.#prove(plan)) return;
      this.read();
    }
  }

  /** The API server says where the Pods are that the plan asks about, or that they are gone. Answers whether that was news. */
  #prove({ orphans }: LanePlan): boolean {
    const asked = new Set(orphans.map(({ mark }) => mark.podUid));
    let hasNews = false;
    for (const { record, node, gone } of this.pods) {
      if (!asked.has(record.uid) || this.store.isPlaced(record.uid)) continue;
      if (gone) this.store.provenGone(record.uid, this.now);
      else this.store.placed(record.uid, node, this.now);
      hasNews ||= gone || this.store.isPlaced(record.uid);
    }
    return hasNews;
  }

  /** A ready and confirmed Pod that its agent has reported; answers with its index. */
  addReadyPod(options: { node?: string; address: string; app?: string; hash?: string }): number {
    this.addPod({ node: 'n1', app: 'web', ...options });
    const index = this.pods.length - 1;
    this.change(index, ready);
    this.reportOne(index);
    this.confirm(index);
    return index;
  }

  allHealthy(): void {
    for (const binding of this.cloud.values()) binding.health = 'healthy';
    this.read();
  }

  ownerOf(key: string): string | undefined {
    return parseMark(this.cloud.get(key)?.tag ?? '', CLUSTER)?.podUid;
  }

  #apply(operation: TargetOperation): void {
    const bound = this.cloud.get(operation.key);
    switch (operation.kind) {
      case 'register':
        this.cloud.set(bindingKey(operation.place), {
          ...operation.place,
          weight: operation.weight,
          tag: operation.tag,
          health: 'unknown',
        });
        return;
      case 'deregister':
        this.cloud.delete(operation.key);
        return;
      case 'adopt':
        if (bound) this.cloud.set(operation.key, { ...bound, tag: operation.tag });
        return;
      case 'close':
      case 'open':
        if (bound)
          this.cloud.set(operation.key, { ...bound, weight: operation.kind === 'open' ? operation.weight : 0 });
    }
  }

  #pick(index: number): TruePod | undefined {
    return this.pods[index % Math.max(1, this.pods.length)];
  }
}

function ownsAddress(pod: TruePod, address: string): boolean {
  return pod.record.addresses.includes(address);
}

/** A world in which `count` Pods serve on all its rules; two, unless told. */
export function serving(count: number, rules = TWO_RULES): CoreWorld {
  const world = new CoreWorld(rules);
  for (let index = 0; index < count; index += 1) world.addReadyPod({ address: `10.0.0.${index + 1}` });
  world.settle();
  world.allHealthy();
  return world;
}

const TWO_RULES = [
  { port: 80, app: 'web' },
  { port: 81, app: 'web' },
];
