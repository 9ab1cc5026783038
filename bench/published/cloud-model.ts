import type { Misfortune } from '../../sandbox/clb/faults.ts';
import type { LatencyModel } from '../../sandbox/clb/settings.ts';
import { CALIBRATED_LATENCY } from './calibration.ts';

/** How CLB behaves in a run. */
export interface CloudModel {
  readonly name: 'calibrated' | 'harsher';
  readonly latency: LatencyModel;
  /** A row is done once with each, and the mean counts. */
  readonly seeds: readonly number[];
  readonly faults: readonly { readonly misfortune: Misfortune; readonly probability: number }[];
}

export const CALIBRATED: CloudModel = { name: 'calibrated', latency: CALIBRATED_LATENCY, seeds: [1], faults: [] };

/** After a write of 500 targets up to 2 s of business; of all calls 5 % are answered busy, and of 1 % the reply is lost. */
export const HARSHER: CloudModel = {
  name: 'harsher',
  latency: { ...CALIBRATED_LATENCY, busyTailMaxMs: 2_000 },
  seeds: [1, 2, 3],
  faults: [
    { misfortune: { kind: 'error', code: 'FailedOperation.ResourceInOperating' }, probability: 0.05 },
    { misfortune: { kind: 'lose-reply' }, probability: 0.01 },
  ],
};
