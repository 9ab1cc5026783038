import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TargetWrite } from '../core/lane-plan.ts';
import { NODE_SIGN_KINDS, type NodeSignKind } from '../core/node-sign.ts';
import type { Hold } from '../core/rule-plan.ts';
import { PRIORITIES, type Priority } from '../core/target-operation.ts';
import type { Audit } from '../lanes/auditor.ts';
import type { Difference } from '../lanes/differences.ts';
import type { DrainReason } from '../leader/drain-outcome.ts';
import type { CoordinatorObserver } from '../observer.ts';
import type { AdmissionResult } from '../webhook/admission.ts';

/** Upper bounds in seconds. */
const CALL_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4];
const GATE_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
const DRAIN_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120];
/** CLB takes at most 500 targets in one call. */
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

const HOLD_REASONS: readonly Hold['reason'][] = ['last-open-target', 'brake', 'replacements-not-serving'];

/** What is true at one moment. */
export interface CoordinatorGauges {
  readonly leading: boolean;
  readonly agentSessions: number;
  /** Operations that wait for their batch. */
  readonly queued: ReadonlyMap<Priority, number>;
  /** Targets that law L2 keeps in though something speaks against them. */
  readonly held: ReadonlyMap<Hold['reason'], number>;
  /** Nodes by what announces their end. */
  readonly announced: ReadonlyMap<NodeSignKind, number>;
  /** Nodes that nobody reaches. */
  readonly lostNodes: number;
  /** So many agents fell silent together that no node is taken for lost. */
  readonly isLossHeld: boolean;
  /** Nodes without an agent whose Pods this replica watches itself. */
  readonly watchedNodes: number;
}

/**
 * Everything the coordinator counts, on a registry of its own. Labels have few values: never a Pod, a rule or a load
 * balancer.
 */
export class CoordinatorMetrics implements CoordinatorObserver {
  readonly registry = new Registry();
  readonly #registers = [this.registry];

  #takeGauges: (() => CoordinatorGauges) | undefined;
  readonly #leader = new Gauge({
    name: 'clb_direct_leader',
    help: '1 while this replica leads',
    registers: this.#registers,
    // The first gauge that is scraped sets all of them.
    collect: () => this.#collect(),
  });
  readonly #queueDepth = new Gauge({
    name: 'clb_direct_lane_queue_depth',
    help: 'Operations that wait in all lanes, by class of priority',
    labelNames: ['priority'],
    registers: this.#registers,
  });
  readonly #cloudCalls = new Counter({
    name: 'clb_direct_cloud_calls_total',
    help: 'Calls of the CLB API, by action and result',
    labelNames: ['action', 'result'],
    registers: this.#registers,
  });
  readonly #cloudCallDuration = new Histogram({
    name: 'clb_direct_cloud_call_duration_seconds',
    help: 'From sending a CLB call to its answer, by action',
    labelNames: ['action'],
    buckets: CALL_BUCKETS,
    registers: this.#registers,
  });
  readonly #batchSize = new Histogram({
    name: 'clb_direct_batch_size_targets',
    help: 'Targets in one write of a lane, by kind of write',
    labelNames: ['kind'],
    buckets: BATCH_BUCKETS,
    registers: this.#registers,
  });
  readonly #gateOpenDelay = new Histogram({
    name: 'clb_direct_gate_open_delay_seconds',
    help: 'From the moment the Pod is known to serve on all its rules to its readiness gate set True',
    buckets: GATE_BUCKETS,
    registers: this.#registers,
  });
  readonly #unexpectedTargets = new Counter({
    name: 'clb_direct_unexpected_targets_total',
    help: 'Targets that a read showed other than they were believed to be, by kind of difference',
    labelNames: ['kind'],
    registers: this.#registers,
  });
  readonly #auditDifferences = new Gauge({
    name: 'clb_direct_audit_differences',
    help: 'Targets in which load balancers differed at their last audit from what was believed',
    registers: this.#registers,
  });
  /** By load balancer, those alone that differed. */
  readonly #differing = new Map<string, number>();
  readonly #drainDuration = new Histogram({
    name: 'clb_direct_drain_duration_seconds',
    help: "From a Pod's drain request to its last target deregistered and read back",
    buckets: DRAIN_BUCKETS,
    registers: this.#registers,
  });
  readonly #drainAnswers = new Counter({
    name: 'clb_direct_drain_answers_total',
    help: "preStop hooks that agents answered, by the agents' reason; every one but drained, restart and containers-exited was early",
    labelNames: ['reason'],
    registers: this.#registers,
  });
  readonly #announcedNodes = new Gauge({
    name: 'clb_direct_announced_nodes',
    help: 'Nodes whose agent tells of a sign of their end, by sign, whether or not --drain-node-on names it',
    labelNames: ['sign'],
    registers: this.#registers,
  });
  readonly #lostNodes = new Gauge({
    name: 'clb_direct_lost_nodes',
    help: 'Nodes whose agents are silent and that no other node reaches: their targets go to weight 0',
    registers: this.#registers,
  });
  readonly #lossHeld = new Gauge({
    name: 'clb_direct_node_loss_held',
    help: '1 while so many agents are silent together that no further node is taken for lost',
    registers: this.#registers,
  });
  readonly #watchedNodes = new Gauge({
    name: 'clb_direct_watched_nodes',
    help: 'Nodes without an agent that reports, whose Pods the leader watches itself',
    registers: this.#registers,
  });
  readonly #heldTargets = new Gauge({
    name: 'clb_direct_held_targets',
    help: 'Targets that are kept open though something speaks against them, by reason',
    labelNames: ['reason'],
    registers: this.#registers,
  });
  readonly #agentSessions = new Gauge({
    name: 'clb_direct_agent_sessions',
    help: 'Report streams that are open',
    registers: this.#registers,
  });
  readonly #streamsTurnedAway = new Counter({
    name: 'clb_direct_report_streams_turned_away_total',
    help: 'Report streams without a proven agent behind them, by reason',
    labelNames: ['reason'],
    registers: this.#registers,
  });
  readonly #admissions = new Counter({
    name: 'clb_direct_webhook_admissions_total',
    help: 'Admission reviews answered, by result',
    labelNames: ['result'],
    registers: this.#registers,
  });
  readonly #admissionDuration = new Histogram({
    name: 'clb_direct_webhook_admission_duration_seconds',
    help: 'From the first byte of an admission review to its answer',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3],
    registers: this.#registers,
  });

  readonly #upkeepWrites = new Counter({
    name: 'clb_direct_upkeep_writes_total',
    help: 'Writes of the Secret, ConfigMap and webhook registration that TLS stands on; restored: was deleted, repaired: was edited',
    labelNames: ['kind', 'outcome'],
    registers: this.#registers,
  });

  /** Where the gauges come from. */
  collectFrom(takeGauges: () => CoordinatorGauges): void {
    this.#takeGauges = takeGauges;
  }

  #collect(): void {
    if (!this.#takeGauges) return;
    const { queued, held, announced, ...gauges } = this.#takeGauges();
    this.#leader.set(gauges.leading ? 1 : 0);
    this.#agentSessions.set(gauges.agentSessions);
    this.#lostNodes.set(gauges.lostNodes);
    this.#lossHeld.set(gauges.isLossHeld ? 1 : 0);
    this.#watchedNodes.set(gauges.watchedNodes);
    for (const priority of PRIORITIES) this.#queueDepth.set({ priority }, queued.get(priority) ?? 0);
    for (const sign of NODE_SIGN_KINDS) this.#announcedNodes.set({ sign }, announced.get(sign) ?? 0);
    for (const reason of HOLD_REASONS) this.#heldTargets.set({ reason }, held.get(reason) ?? 0);
  }

  /** @param result `ok`, or our code of the error */
  cloudCall(action: string, result: string, durationMs: number): void {
    this.#cloudCalls.inc({ action, result });
    this.#cloudCallDuration.observe({ action }, durationMs / 1_000);
  }

  wrote(kind: TargetWrite['kind'], targetCount: number): void {
    this.#batchSize.observe({ kind }, targetCount);
  }

  differed(differences: readonly Difference[]): void {
    for (const { kind } of differences) this.#unexpectedTargets.inc({ kind });
  }

  audited({ loadBalancerId, differences }: Audit): void {
    this.differed(differences);
    if (differences.length > 0) this.#differing.set(loadBalancerId, differences.length);
    else this.#differing.delete(loadBalancerId);
    this.#auditDifferences.set([...this.#differing.values()].reduce((sum, count) => sum + count, 0));
  }

  drainAnswered(reason: DrainReason): void {
    this.#drainAnswers.inc({ reason });
  }

  gateOpened(delayMs: number): void {
    this.#gateOpenDelay.observe(delayMs / 1_000);
  }

  drainFinished(durationMs: number): void {
    this.#drainDuration.observe(durationMs / 1_000);
  }

  streamTurnedAway(reason: string): void {
    this.#streamsTurnedAway.inc({ reason });
  }

  upkeepWrote(kind: string, outcome: string): void {
    this.#upkeepWrites.inc({ kind, outcome });
  }

  admission(result: AdmissionResult, durationMs: number): void {
    this.#admissions.inc({ result });
    this.#admissionDuration.observe(durationMs / 1_000);
  }
}
