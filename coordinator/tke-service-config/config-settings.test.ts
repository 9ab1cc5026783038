import { expect, test } from 'vitest';
import { readConfigSettings } from './config-settings.ts';

function read(loadBalancer: object) {
  return readConfigSettings({ loadBalancer });
}

test('what is left out stays out', () => {
  const { settings, complaints } = read({
    l4Listeners: [{ protocol: 'TCP', port: 80, session: { enable: true, sessionExpireTime: 60 } }],
    l7Listeners: [{ protocol: 'HTTPS', port: 443, domains: [{ domain: 'a.com', rules: [{ scheduler: 'IP_HASH' }] }] }],
  });
  expect(complaints).toEqual([]);
  expect(settings.layer4).toEqual([{ protocol: 'TCP', port: 80, settings: { sessionSeconds: 60 } }]);
  expect(settings.layer7[0]).toMatchObject({ scheme: 'HTTPS', port: 443, settings: {}, defaultDomain: undefined });
  expect(settings.layer7[0]?.rules).toEqual([
    { domain: 'a.com', url: undefined, settings: {} },
    { domain: 'a.com', url: '/', settings: { scheduler: 'IP_HASH' } },
  ]);
});

test.each([
  [
    'a number out of its range',
    { healthCheck: { intervalTime: 301 } },
    /healthCheck.intervalTime is 301, but has to be/,
  ],
  ['a time-out that outlasts its interval', { healthCheck: { intervalTime: 5, timeout: 5 } }, /less than intervalTime/],
  ['a string for a number', { session: { sessionExpireTime: '60' } }, /session.sessionExpireTime is "60"/],
  ['a scheduler of layer 7', { scheduler: 'IP_HASH' }, /scheduler is "IP_HASH", but has to be WRR, LEAST_CONN/],
  ['a field that is not known', { color: 'red' }, /l4Listeners\[0\].color is not known/],
  ['no object where one belongs', { healthCheck: 5 }, /healthCheck has to be an object/],
])('%s is complained of, and everything else is read', (_, wrong, complaint) => {
  const { settings, complaints } = read({
    l4Listeners: [{ protocol: 'TCP', port: 80, deregisterTargetRst: true, ...wrong }],
  });
  expect(complaints).toEqual([expect.stringMatching(complaint)]);
  expect(settings.layer4[0]?.settings.deregisterTargetRst).toBe(true);
});

test('a session that is switched off lasts no time', () => {
  const { settings } = read({
    l4Listeners: [{ protocol: 'UDP', port: 53, session: { enable: false, sessionExpireTime: 60 } }],
  });
  expect(settings.layer4[0]?.settings).toEqual({ sessionSeconds: 0 });
});

test.each([[undefined], [null], ['text'], [[]], [{ loadBalancer: [] }], [{ loadBalancer: { l4Listeners: {} } }]])(
  'a specification that is %j has no settings',
  spec => {
    expect(readConfigSettings(spec).settings).toMatchObject({ layer4: [], layer7: [] });
  },
);
