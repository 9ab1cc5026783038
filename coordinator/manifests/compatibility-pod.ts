import type { CompatibilityRow } from './compatibility-row.ts';

/** What stands on Pods and in their templates. */
export const POD_ROWS: readonly CompatibilityRow[] = [
  {
    key: 'service.cloud.tencent.com/custom-weight',
    on: 'Pod',
    since: 'service 2.4.0',
    status: 'done',
    what: 'The weight of the Pod, 0 to 100. A value that is none is warned of at admission, and the Pod serves with the default.',
    test: 'test/simulation/bad-input.test.ts > a malformed weight and drain budget are warned of at admission, and the Pods serve with the defaults',
  },
];
