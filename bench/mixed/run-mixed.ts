import type { Clock } from '../../common/clock.ts';
import { type ClbSettings, defaultSettings } from '../../sandbox/clb/settings.ts';
import { CALIBRATED_LATENCY } from '../published/calibration.ts';
import { quantile } from '../quantile.ts';
import { RollingUpdate } from './rolling-update.ts';
import { Stage } from './stage.ts';

export interface MixedSize {
  readonly services: number;
  readonly podsPerService: number;
  /** Services that are updated at once, spread evenly over all. */
  readonly rolling: number;
  /** By so many Pods each of the other Services grows, so often: more than CLB takes meanwhile. */
  readonly bulkPodsPerStep: number;
  readonly bulkSteps: number;
}

export interface MixedRow {
  readonly callMs: number;
  /** Drains that were asked for while the bulk registration was under way. */
  readonly drains: number;
  /** From the request at the coordinator to the call that sets weight 0. */
  readonly sentMs: Quantiles;
  /** From the request at the coordinator to weight 0 read back. */
  readonly drainMs: Quantiles;
  /** The longest registration at whose end a drain waited. */
  readonly longestRegistrationMs: number;
  /** Hooks that returned because their budget had ended. */
  readonly budgetsUsedUp: number;
  /** Until all updates were done. */
  readonly rolloutSeconds: number;
  readonly podEvents: number;
  /** Real time of all the coordinator's work, by the number of Pod events. */
  readonly workMsPerPodEvent: number;
  /** The longest time, in real time, for which the coordinator did nothing else. */
  readonly longestTurnMs: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** After the last gate has opened, until nothing is under way any more. */
const QUIET_MS = 30_000;
const BULK_STEP_MS = 5_000;
const ROLLOUT_LIMIT_MS = 3_600_000;

/** Rolling updates of several Services on one load balancer while the others grow; all waits in virtual time. */
export async function runMixed(size: MixedSize, callMs: number, real: Clock): Promise<MixedRow> {
  const stage = new Stage({ services: size.services, settings: settingsOf(callMs), real });
  for (const [service] of stage.cluster.services.entries()) {
    for (let count = 0; count < size.podsPerService; count += 1) stage.cluster.create(service);
  }
  await stage.untilOpen(size.services * size.podsPerService);
  await stage.meter.advance(QUIET_MS);
  stage.meter.reset();
  const eventsBefore = stage.podEvents;
  const startedAt = stage.clock.now();
  await update(stage, size);
  const podEvents = stage.podEvents - eventsBefore;
  const row = {
    callMs,
    drains: stage.times.readBackMs.length,
    sentMs: quantiles(stage.times.sentMs),
    drainMs: quantiles(stage.times.readBackMs),
    longestRegistrationMs: stage.times.longestRegistrationMs,
    budgetsUsedUp: stage.budgetsUsedUp,
    rolloutSeconds: (stage.clock.now() - startedAt) / 1000,
    podEvents,
    workMsPerPodEvent: stage.meter.totalMs / podEvents,
    longestTurnMs: stage.meter.longestMs,
  };
  await stage.close();
  return row;
}

/** Every call takes `callMs`, and a write besides what the calibrated model says for its targets. */
function settingsOf(callMs: number): ClbSettings {
  const settings = defaultSettings(['10.200.0.1']);
  const base = { readMs: callMs, acceptMs: callMs, batchBaseMs: callMs, listenerBaseMs: callMs };
  const latency = { ...CALIBRATED_LATENCY, ...base };
  // The data plane is not looked at.
  return { ...settings, latency, forwarding: { ...settings.forwarding, forwarders: 0 } };
}

/** Updates and bulk begin at one moment. */
async function update(stage: Stage, size: MixedSize): Promise<void> {
  const { cluster } = stage;
  const isRolling = (service: number) => (service * size.rolling) % size.services < size.rolling;
  const services = [...cluster.services.keys()];
  const podsOf = Map.groupBy(stage.openPods, podUid => cluster.serviceOf(podUid));
  const updates = new Map(
    services.filter(isRolling).map(service => {
      const create = () => cluster.create(service);
      const remove = (podUid: string) => stage.delete(podUid);
      return [service, new RollingUpdate({ old: podsOf.get(service) ?? [], create, remove })] as const;
    }),
  );
  stage.onGateOpened = podUid => updates.get(cluster.serviceOf(podUid))?.gateOpened(podUid);
  stage.onGone = podUid => {
    for (const rolling of updates.values()) rolling.gone(podUid);
  };
  const growing = services.filter(service => !isRolling(service));
  growAll(stage, growing, size.bulkPodsPerStep);
  for (let step = 1; step < size.bulkSteps; step += 1) {
    stage.clock.schedule(step * BULK_STEP_MS, () => growAll(stage, growing, size.bulkPodsPerStep));
  }
  for (const rolling of updates.values()) rolling.proceed();
  await stage.meter.advanceUntil(() => [...updates.values()].every(rolling => rolling.isDone), ROLLOUT_LIMIT_MS);
}

function growAll(stage: Stage, services: readonly number[], pods: number): void {
  for (const service of services) {
    for (let count = 0; count < pods; count += 1) {
      stage.times.bulk(stage.cluster.addressOf(stage.cluster.create(service)));
    }
  }
}

function quantiles(values: readonly number[]): Quantiles {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}
