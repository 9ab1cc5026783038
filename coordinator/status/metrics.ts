import { X509Certificate } from 'node:crypto';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { CALL_OK, type CallObservation, type TaskObservation } from '../cloud/caller.ts';
import { CALL_ERRORS } from '../cloud/error-catalogue.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { EntryStage, ExitStage, StageDuration } from '../core/pod-way.ts';
import { PRIORITIES } from '../core/target-operation.ts';
import type { Audit } from '../lanes/auditor.ts';
import type { Difference } from '../lanes/differences.ts';
import type { OperationWait } from '../lanes/lane-options.ts';
import { DRAIN_REASONS, type DrainReason } from '../leader/drain-outcome.ts';
import type { CoordinatorObserver, QueueName } from '../observer.ts';
import type { AdmissionAnswer } from '../webhook/admission.ts';
import type { ServedCertificate } from '../webhook/certificate-bundle.ts';
import { HOOK_MODES } from '../webhook/hook-choice.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { WayMetrics } from './way-metrics.ts';

/** Upper bounds in seconds. */
const CALL_BUCKETS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4];
const CALL_WAIT_BUCKETS = [0.001, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];
const TASK_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60];
const LANE_WAIT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const GATE_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
const DRAIN_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120];
/** CLB takes at most 500 targets in one call. */
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/**
 * Everything the coordinator counts, on a registry of its own. Labels have few values: never a Pod, a rule or a load
 * balancer.
 */
export class CoordinatorMetrics implements CoordinatorObserver {
  readonly registry = new Registry();
  readonly #registers = [this.registry];
  readonly #cloudCalls = new Counter({
    name: 'clb_direct_cloud_calls_total',
    help: 'Calls of the CLB API, by action and result (ok, or the code of the error as in docs/errors.md)',
    labelNames: ['action', 'result'],
    registers: this.#registers,
  });
  readonly #cloudErrors = new Counter({
    name: 'clb_direct_cloud_errors_total',
    help: 'Calls of the CLB API that failed, by code as in docs/errors.md',
    labelNames: ['code'],
    registers: this.#registers,
  });
  readonly #cloudCallDuration = new Histogram({
    name: 'clb_direct_cloud_call_duration_seconds',
    help: 'From sending a CLB call to its answer, by action',
    labelNames: ['action'],
    buckets: CALL_BUCKETS,
    registers: this.#registers,
  });
  readonly #cloudCallWait = new Histogram({
    name: 'clb_direct_cloud_call_wait_seconds',
    help: 'How long a CLB call waited for the rate limit before it was sent, by action',
    labelNames: ['action'],
    buckets: CALL_WAIT_BUCKETS,
    registers: this.#registers,
  });
  readonly #cloudTaskDuration = new Histogram({
    name: 'clb_direct_cloud_task_duration_seconds',
    help: 'From the acceptance of a request to the end of its asynchronous task, as it was seen, by action',
    labelNames: ['action'],
    buckets: TASK_BUCKETS,
    registers: this.#registers,
  });
  readonly #laneWait = new Histogram({
    name: 'clb_direct_lane_wait_seconds',
    help: 'From the moment a change of a target is wanted to the write that carries it, by class of priority',
    labelNames: ['priority'],
    buckets: LANE_WAIT_BUCKETS,
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
    help: "preStop hooks that agents answered, by the agents' reason; every one but drained, restart, idle-connections and containers-exited was early",
    labelNames: ['reason'],
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
    help: 'Admission reviews answered, by result; a Pod that needs nothing is asked about once for each part of the coordinators',
    labelNames: ['result'],
    registers: this.#registers,
  });
  readonly #injectedHooks = new Counter({
    name: 'clb_direct_webhook_injected_hooks_total',
    help: 'Pods that the webhook gave a preStop hook, by how it reaches the drain; sleep does not wait for the load balancer',
    labelNames: ['mode'],
    registers: this.#registers,
  });
  readonly #admissionDuration = new Histogram({
    name: 'clb_direct_webhook_admission_duration_seconds',
    help: 'From the first byte of an admission review to its answer',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3],
    registers: this.#registers,
  });
  readonly #certificateExpiry = new Gauge({
    name: 'clb_direct_certificate_expiry_timestamp_seconds',
    help: 'When the certificate ends that this replica serves with, since the Unix epoch, by certificate',
    labelNames: ['certificate'],
    registers: this.#registers,
  });
  readonly #ways = new WayMetrics(this.registry);
  readonly #queues = new QueueMetrics(this.registry);

  readonly #gatesOpenedByTime = new Counter({
    name: 'clb_direct_gates_opened_by_time_total',
    help: 'Readiness gates opened by --open-stuck-gates-seconds though the load balancer does not say that the Pod serves',
    registers: this.#registers,
  });
  readonly #upkeepWrites = new Counter({
    name: 'clb_direct_upkeep_writes_total',
    help: 'Writes of the Secret, ConfigMap and webhook registration that TLS stands on; restored: was deleted, repaired: was edited',
    labelNames: ['kind', 'outcome'],
    registers: this.#registers,
  });

  constructor() {
    // The first of its kind would not count as an increase.
    for (const { code } of CALL_ERRORS) this.#cloudErrors.inc({ code }, 0);
    for (const priority of PRIORITIES) this.#laneWait.zero({ priority });
    for (const reason of DRAIN_REASONS) this.#drainAnswers.inc({ reason }, 0);
    this.#drainAnswers.inc({ reason: 'other' }, 0);
    for (const mode of HOOK_MODES) this.#injectedHooks.inc({ mode }, 0);
  }

  cloudCall({ action, outcome, durationMs, waitedMs }: CallObservation): void {
    this.#cloudCalls.inc({ action, result: outcome });
    if (outcome !== CALL_OK) this.#cloudErrors.inc({ code: outcome });
    this.#cloudCallDuration.observe({ action }, durationMs / 1_000);
    this.#cloudCallWait.observe({ action }, waitedMs / 1_000);
  }

  cloudTask({ action, durationMs }: TaskObservation): void {
    this.#cloudTaskDuration.observe({ action }, durationMs / 1_000);
  }

  wrote(kind: TargetWrite['kind'], waits: readonly OperationWait[]): void {
    this.#batchSize.observe({ kind }, waits.length);
    for (const { priority, waitedMs } of waits) this.#laneWait.observe({ priority }, waitedMs / 1_000);
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

  podEntered(stages: readonly StageDuration<EntryStage>[]): void {
    this.#ways.entered(stages);
  }

  podLeft(stages: readonly StageDuration<ExitStage>[]): void {
    this.#ways.left(stages);
  }

  queue(name: QueueName): WorkQueueObserver {
    return this.#queues.observer(name);
  }

  streamTurnedAway(reason: string): void {
    this.#streamsTurnedAway.inc({ reason });
  }

  gateOpenedByTime(): void {
    this.#gatesOpenedByTime.inc();
  }

  upkeepWrote(kind: string, outcome: string): void {
    this.#upkeepWrites.inc({ kind, outcome });
  }

  admission({ result, hookMode }: Pick<AdmissionAnswer, 'result' | 'hookMode'>, durationMs: number): void {
    this.#admissions.inc({ result });
    if (hookMode !== undefined) this.#injectedHooks.inc({ mode: hookMode });
    this.#admissionDuration.observe(durationMs / 1_000);
  }

  /** What the listeners serve with from now on; of several authorities, the first is the one that signs. */
  certificates({ certificatePem, caPem }: Pick<ServedCertificate, 'certificatePem' | 'caPem'>): void {
    for (const [certificate, pem] of Object.entries({ serving: certificatePem, authority: caPem }))
      this.#certificateExpiry.set({ certificate }, new X509Certificate(pem).validToDate.getTime() / 1_000);
  }
}
