import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { ForwardingSettings, ListenerSettings } from '../cloud/settings.ts';
import type { ForwardingRule, Listener } from '../cloud/types.ts';
import { redirectChanges } from './redirect-plan.ts';
import type { RuleIntent } from './service-intent.ts';
import { isSettingShown, type SettledRule, settingChanges } from './setting-plan.ts';

const CERTIFICATE = { certificateIds: ['cert-a'] };

function tcp(settings: ListenerSettings, fields: Partial<Listener> = {}): Listener {
  return {
    id: 'lbl-1',
    name: 'ours',
    protocol: 'TCP',
    port: 80,
    healthCheck: true,
    forwardingRules: [],
    settings,
    ...fields,
  };
}

function site(domain: string, settings: ForwardingSettings = {}, fields: Partial<ForwardingRule> = {}): ForwardingRule {
  return { locationId: `loc-${domain}`, domain, url: '/', settings, ...fields };
}

function https(...forwardingRules: readonly ForwardingRule[]): Listener {
  return tcp({ isSni: true }, { id: 'lbl-s', protocol: 'HTTPS', port: 443, forwardingRules });
}

function http(...forwardingRules: readonly ForwardingRule[]): Listener {
  return tcp({}, { id: 'lbl-h', protocol: 'HTTP', forwardingRules });
}

function settled(
  { id }: Listener,
  fields: Partial<RuleIntent>,
  { locationId = '', isAdopted = false }: { locationId?: string; isAdopted?: boolean } = {},
): SettledRule {
  const rule: RuleIntent = {
    id: `rule ${locationId}`,
    service: { namespace: 'default', name: 'web', uid: 'uid' },
    protocol: Protocol.TCP,
    port: 80,
    selector: {},
    targetPort: 80,
    publishNotReadyAddresses: false,
    ...fields,
  };
  return { rule, place: { listenerId: id, locationId, isAdopted } };
}

function changes(rules: readonly SettledRule[], ...listeners: readonly Listener[]): unknown[] {
  return settingChanges(rules, listeners).map(work => work.kind === 'change-settings' && work.change);
}

describe('a listener', () => {
  test('gets what the user names and CLB has otherwise, and nothing else', () => {
    const listener = tcp({ scheduler: 'WRR', sessionSeconds: 60, deregisterTargetRst: false });
    const wanted: ListenerSettings = { scheduler: 'LEAST_CONN', deregisterTargetRst: false };
    expect(changes([settled(listener, { listenerSettings: wanted })], listener)).toEqual([
      { kind: 'listener', listenerId: 'lbl-1', settings: { scheduler: 'LEAST_CONN' } },
    ]);
    expect(changes([settled(listener, {})], listener)).toEqual([]);
  });

  test('keeps of its health check what the user leaves out', () => {
    const told = { enabled: true, intervalSeconds: 5, timeoutSeconds: 2, checkPort: -1, httpDomain: '' };
    const listener = tcp({ healthCheck: told });
    const [change] = changes(
      [settled(listener, { listenerSettings: { healthCheck: { intervalSeconds: 10 } } })],
      listener,
    );
    expect(change).toMatchObject({
      settings: { healthCheck: { enabled: true, intervalSeconds: 10, timeoutSeconds: 2 } },
    });
    expect(change).not.toHaveProperty('settings.healthCheck.checkPort');
    const same = { healthCheck: { intervalSeconds: 5, checkPort: -1 } };
    expect(changes([settled(listener, { listenerSettings: same })], listener)).toEqual([]);
  });

  test('is left alone in what CLB does not tell, since no read would ever show it', () => {
    const listener = tcp({});
    expect(changes([settled(listener, { listenerSettings: { snat: true } })], listener)).toEqual([]);
  });

  test('of layer 7 follows the oldest of those who share it', () => {
    const listener = { ...http(site('a'), site('b')), settings: { keepalive: false } };
    const [older, younger] = [{ keepalive: false }, { keepalive: true }];
    const at = (domain: string, listenerSettings: ListenerSettings) =>
      settled(listener, { listenerSettings }, { locationId: `loc-${domain}` });
    expect(changes([at('a', older), at('b', younger)], listener)).toEqual([]);
    expect(changes([at('b', younger), at('a', older)], listener)).toHaveLength(1);
  });
});

describe('a forwarding rule', () => {
  test('and its domain are changed apart, so that a bad certificate harms only its host', () => {
    const listener = https(site('a', { scheduler: 'WRR' }), site('b', { certificate: { certificateIds: ['cert-b'] } }));
    const forwardingSettings: ForwardingSettings = { scheduler: 'IP_HASH', certificate: CERTIFICATE };
    const a = settled(listener, { forwardingSettings }, { locationId: 'loc-a' });
    const b = settled(listener, { forwardingSettings: { certificate: CERTIFICATE } }, { locationId: 'loc-b' });
    expect(changes([a, b], listener)).toEqual([
      { kind: 'rule', listenerId: 'lbl-s', locationId: 'loc-a', settings: { scheduler: 'IP_HASH' } },
      { kind: 'domain', listenerId: 'lbl-s', domain: 'a', settings: { certificate: CERTIFICATE } },
      { kind: 'domain', listenerId: 'lbl-s', domain: 'b', settings: { certificate: CERTIFICATE } },
    ]);
  });

  test('of the same certificates in another order has what it wants', () => {
    const listener = https(site('a', { certificate: { certificateIds: ['ecc', 'rsa'] } }));
    const forwardingSettings = { certificate: { certificateIds: ['rsa', 'ecc'] } };
    expect(changes([settled(listener, { forwardingSettings }, { locationId: 'loc-a' })], listener)).toEqual([]);
  });

  test('on an HTTPS listener without SNI shares its certificate, until two are wanted', () => {
    const listener = { ...https(site('a'), site('b')), settings: { isSni: false, certificate: CERTIFICATE } };
    const at = (domain: string, certificateId: string) => {
      const forwardingSettings = { certificate: { certificateIds: [certificateId] } };
      return settled(listener, { forwardingSettings }, { locationId: `loc-${domain}` });
    };
    const change = { kind: 'listener', listenerId: 'lbl-s' };
    expect(changes([at('a', 'cert-a'), at('b', 'cert-a')], listener)).toEqual([]);
    expect(changes([at('a', 'cert-b'), at('b', 'cert-b')], listener)).toEqual([
      { ...change, settings: { certificate: { certificateIds: ['cert-b'] } } },
    ]);
    expect(changes([at('a', 'cert-a'), at('b', 'cert-b')], listener)).toEqual([
      { ...change, settings: { isSni: true } },
    ]);
  });

  test('on HTTP needs no certificate', () => {
    const listener = http(site('a', { http2: false }));
    const forwardingSettings = { certificate: CERTIFICATE, http2: true };
    expect(changes([settled(listener, { forwardingSettings }, { locationId: 'loc-a' })], listener)).toEqual([]);
  });

  test('of two that want to be the default domain the first is', () => {
    const listener = http(site('a', { isDefaultDomain: true }), site('b', { isDefaultDomain: false }));
    const at = (domain: string) =>
      settled(listener, { forwardingSettings: { isDefaultDomain: true } }, { locationId: `loc-${domain}` });
    expect(changes([at('a'), at('b')], listener)).toEqual([]);
    expect(changes([at('b'), at('a')], listener)).toEqual([
      { kind: 'domain', listenerId: 'lbl-h', domain: 'b', settings: { isDefaultDomain: true } },
    ]);
  });
});

test('a change shows once a list has its values', () => {
  const change = { kind: 'listener', listenerId: 'lbl-1', settings: { scheduler: 'LEAST_CONN' } } as const;
  expect(isSettingShown([tcp({ scheduler: 'WRR' })], change)).toBe(false);
  expect(isSettingShown([tcp({ scheduler: 'LEAST_CONN' })], change)).toBe(true);
});

describe('a redirect', () => {
  const redirect = { port: 443, code: 301 } as const;
  const wishing = (listener: Listener) => settled(listener, { redirect }, { locationId: 'loc-a' });
  const described = (rules: readonly SettledRule[], ...listeners: readonly Listener[]) =>
    redirectChanges(rules, listeners).map(work =>
      'redirects' in work ? { ...work.redirects, kind: work.kind } : work,
    );
  const places = { sourceListenerId: 'lbl-h', targetListenerId: 'lbl-s' };
  const pairs = [{ sourceLocationId: 'loc-a', targetLocationId: 'loc-secure', domain: 'a', code: 301 }];
  const secure = https(site('a', {}, { locationId: 'loc-secure' }));

  test('leads to the rule of the same host and path, once that is there', () => {
    const source = http(site('a'));
    expect(described([wishing(source)], source, https(site('b')))).toEqual([]);
    expect(described([wishing(source)], source, secure)).toEqual([{ kind: 'redirect', ...places, pairs }]);
  });

  test('that is there is left alone, and taken away when nobody wants it', () => {
    const to = { redirectsTo: { listenerId: 'lbl-s', locationId: 'loc-secure', code: 301 } };
    const source = http(site('a', {}, to));
    expect(described([wishing(source)], source, secure)).toEqual([]);
    const unwishing = settled(source, {}, { locationId: 'loc-a' });
    expect(described([unwishing], source, secure)).toEqual([{ kind: 'remove-redirects', ...places, pairs }]);
  });

  test('of another status is made anew', () => {
    const to = { redirectsTo: { listenerId: 'lbl-s', locationId: 'loc-secure', code: 302 } };
    const source = http(site('a', {}, to));
    expect(described([wishing(source)], source, secure)).toMatchObject([{ kind: 'remove-redirects' }]);
  });

  test('on a listener of others stays when nobody names one', () => {
    const source = http(site('a', {}, { redirectsTo: { listenerId: 'lbl-s', locationId: 'loc-secure' } }));
    expect(described([settled(source, {}, { locationId: 'loc-a', isAdopted: true })], source, secure)).toEqual([]);
  });
});
