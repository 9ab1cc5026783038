import { expect, test } from 'vitest';
import { loadBalancer } from '../lanes/fake-cloud.ts';
import { tenant } from './listener-plan.fixture.ts';
import { settingsChanges } from './load-balancer-settings.ts';
import { serviceTags } from './ownership-tags.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { ServiceIntent } from './service-intent.ts';

const SETTINGS = { securityGroups: ['sg-1'], maxBandwidthMbps: 20 };
const PRESENT = { securityGroups: ['sg-2'], maxBandwidthMbps: 10, deleteProtected: true };

function changes(fields: Partial<ServiceIntent>, tags = serviceTags('c1', 'service-uid')) {
  const intent = serviceIntent({ settings: SETTINGS, ...fields });
  return settingsChanges(loadBalancer({ tags, settings: PRESENT }), [tenant(intent)], 'c1');
}

test('a load balancer gets what the Service names for which it was made, and keeps the rest', () => {
  expect(changes({})).toEqual([
    { kind: 'security-groups', ids: ['sg-1'] },
    { kind: 'attributes', settings: { maxBandwidthMbps: 20 } },
  ]);
});

test('a load balancer that was made for nobody, or for another one, is left alone (L6)', () => {
  expect(changes({}, {})).toEqual([]);
  expect(changes({}, serviceTags('c1', 'other'))).toEqual([]);
});

test('a load balancer keeps its settings while its Service is paused', () => {
  expect(changes({ isPaused: true })).toEqual([]);
});
