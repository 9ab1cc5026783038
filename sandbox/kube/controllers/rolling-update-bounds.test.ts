import { expect, test } from 'vitest';
import { rollingUpdateBounds } from './rolling-update-bounds.ts';
import { deploymentFixture } from './workload-fixtures.ts';

test.each([
  { replicas: 3, maxSurge: '25%', maxUnavailable: '25%', bounds: { maxSurge: 1, maxUnavailable: 0 } },
  { replicas: 10, maxSurge: '25%', maxUnavailable: '25%', bounds: { maxSurge: 3, maxUnavailable: 2 } },
  { replicas: 10, maxSurge: 0, maxUnavailable: '5%', bounds: { maxSurge: 0, maxUnavailable: 1 } },
  { replicas: 4, maxSurge: 2, maxUnavailable: 9, bounds: { maxSurge: 2, maxUnavailable: 4 } },
  { replicas: 0, maxSurge: '25%', maxUnavailable: '25%', bounds: { maxSurge: 0, maxUnavailable: 0 } },
])(
  'surge rounds up and unavailability down: $replicas with $maxSurge and $maxUnavailable',
  ({ bounds, ...fixture }) => {
    expect(rollingUpdateBounds(deploymentFixture(fixture))).toEqual(bounds);
  },
);
