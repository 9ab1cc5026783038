/**
 * The control plane's times that Tencent published for TKE's Pods behind CLB, in seconds: before, with batch calls, and
 * with cheaper look-ups of targets besides.
 */
export interface PublishedRow {
  /** `targets`: 200 rules, whose targets grow from 1 to `targets`. `rules`: 50 targets, the rules grow from 1 to `rules`. */
  readonly grows: 'targets' | 'rules';
  readonly rules: number;
  readonly targets: number;
  readonly seconds: Readonly<Record<PublishedColumn, number>>;
}

export type PublishedColumn = 'before' | 'batchCalls' | 'cheaperLookUps';

const row = (
  [grows, rules, targets]: readonly [PublishedRow['grows'], number, number],
  [before, batchCalls, cheaperLookUps]: readonly [number, number, number],
): PublishedRow => ({ grows, rules, targets, seconds: { before, batchCalls, cheaperLookUps } });

export const PUBLISHED_ROWS: readonly PublishedRow[] = [
  row(['targets', 200, 10], [1313.056, 227.908, 31.548]),
  row(['targets', 200, 20], [1715.053, 449.795, 51.248]),
  row(['targets', 200, 30], [2826.913, 665.619, 69.118]),
  row(['targets', 200, 40], [3373.148, 861.583, 90.723]),
  row(['targets', 200, 50], [4240.311, 1085.03, 106.353]),
  row(['rules', 100, 50], [1631.787, 451.644, 68.63]),
  row(['rules', 200, 50], [3399.833, 693.207, 141.004]),
  row(['rules', 300, 50], [5630.398, 847.796, 236.91]),
  row(['rules', 400, 50], [7562.615, 1028.75, 335.674]),
];

/** What has to be done for a row. */
export interface Workload {
  readonly existingRules: number;
  readonly createdRules: number;
  /** Of every existing rule, before the clock starts. */
  readonly existingTargets: number;
  /** Of every rule in the end. */
  readonly targets: number;
  /** Registrations: all of one target at one rule. */
  readonly bindings: number;
}

export function workloadOf({ grows, rules, targets }: Pick<PublishedRow, 'grows' | 'rules' | 'targets'>): Workload {
  if (grows === 'targets') {
    const bindings = rules * (targets - 1);
    return { existingRules: rules, createdRules: 0, existingTargets: 1, targets, bindings };
  }
  const createdRules = rules - 1;
  return { existingRules: 1, createdRules, existingTargets: targets, targets, bindings: createdRules * targets };
}
