import { expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { RuleIntent } from '../loadbalancers/service-intent.ts';
import { serviceRecord } from '../service.fixture.ts';
import { autoConfig } from './auto-config.ts';

const OWNER = serviceRecord({ annotations: { 'service.cloud.tencent.com/tke-service-config-auto': 'true' } });
const NAME = 'web-auto-service-config';

function rule(fields: Partial<RuleIntent>): RuleIntent {
  return {
    id: 'r',
    service: OWNER,
    protocol: Protocol.TCP,
    port: 80,
    selector: {},
    targetPort: 80,
    publishNotReadyAddresses: false,
    ...fields,
  };
}

function existing(spec: unknown) {
  return { uid: 'u', namespace: 'default', name: NAME, resourceVersion: '1', spec };
}

const forwarding = (domain: string, url: string) => ({ scheme: 'HTTPS', domain, url }) as const;

test('an owner without the annotation has none', () => {
  expect(autoConfig(serviceRecord(), [rule({})], () => undefined)).toBeUndefined();
});

test('sections of listeners that are gone go, and what is written in the others stays', () => {
  const kept = { protocol: 'TCP', port: 80, scheduler: 'LEAST_CONN' };
  const known = existing({ loadBalancer: { l4Listeners: [kept, { protocol: 'UDP', port: 53 }] }, other: 1 });
  const found = autoConfig(OWNER, [rule({})], name => (name === NAME ? known : undefined));
  expect(found?.spec).toEqual({ loadBalancer: { l4Listeners: [kept], l7Listeners: [] }, other: 1 });
});

test('rules stand under their domains, and those that redirect have none', () => {
  const rules = [
    rule({ port: 443, forwarding: forwarding('a.com', '/') }),
    rule({ port: 443, forwarding: forwarding('', '/b') }),
    rule({ forwarding: { ...forwarding('a.com', '/'), scheme: 'HTTP' }, redirect: { port: 443, code: 301 } }),
  ];
  const domains = [
    { domain: 'a.com', rules: [{ url: '/' }] },
    { domain: '', rules: [{ url: '/b' }] },
  ];
  expect(autoConfig(OWNER, rules, () => undefined)?.spec).toEqual({
    loadBalancer: { l4Listeners: [], l7Listeners: [{ protocol: 'HTTPS', port: 443, domains }] },
  });
});

test('nothing is written when it is as it should be', () => {
  const spec = { loadBalancer: { l4Listeners: [{ protocol: 'TCP', port: 80 }], l7Listeners: [] } };
  expect(autoConfig(OWNER, [rule({})], () => existing(spec))).toBeUndefined();
});
