import { describe, expect, test } from 'vitest';
import type { Container } from '../../common/kube/objects.ts';
import { Protocol } from '../../common/pod-record.ts';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import type { HealthCheckSettings } from '../cloud/settings.ts';
import type { Rule } from '../core/rule.ts';
import { type PodProfile, podProfile } from '../kube/pod-profile.ts';
import { DEFAULT_INJECTION_POLICY, injectPod } from '../webhook/inject.ts';
import { UNKNOWN_SURROUNDINGS } from '../webhook/surroundings.ts';
import { lintTemplates } from './template-lint.ts';

const SERVICE = { namespace: 'default', name: 'web', uid: 'uid' };
const RULE: Rule = {
  id: 'uid/TCP/80',
  service: SERVICE,
  protocol: Protocol.TCP,
  port: 80,
  selector: { app: 'web' },
  targetPort: 'http',
  publishNotReadyAddresses: false,
  place: { loadBalancerId: 'lb-1', listenerId: 'lbl-1', locationId: '' },
  refusal: undefined,
};
const PATH_RULE: Rule = { ...RULE, forwarding: { scheme: 'HTTPS', domain: 'a.com', url: '/' } };
/** As CLB makes it. */
const TCP: HealthCheckSettings = {
  enabled: true,
  timeoutSeconds: 2,
  intervalSeconds: 5,
  checkType: 'TCP',
  checkPort: -1,
};
const HTTP: HealthCheckSettings = { ...TCP, checkType: 'HTTP', httpPath: '/', httpCode: 31 };

interface Written {
  readonly probe?: Container['readinessProbe'];
  readonly graceSeconds?: number;
  readonly annotations?: Record<string, string>;
}

function template({ probe, graceSeconds = 60, annotations = {} }: Written = {}) {
  const pod = kubePod({ metadata: { annotations } });
  const containers = pod.spec.containers.map(each => ({ ...each, ...(probe && { readinessProbe: probe }) }));
  return { ...pod, spec: { ...pod.spec, terminationGracePeriodSeconds: graceSeconds, containers } };
}

function told(check: HealthCheckSettings, profile: PodProfile, rule = RULE): string[] {
  return lintTemplates(SERVICE, [{ rule, check, profile }]).map(({ code, message }) => `${code} ${message}`);
}

function asking(path: string, more: object = {}): PodProfile {
  return podProfile(template({ probe: { httpGet: { port: 'http', path, ...more } } }));
}

describe("nothing is said of CLB's own settings", () => {
  test.each<[string, PodProfile]>([
    ['beside a readinessProbe by HTTP', asking('/ready')],
    ['beside one by TCP', podProfile(template({ probe: { tcpSocket: { port: 80 } } }))],
    ['beside one that runs a command', podProfile(template({ probe: { exec: { command: ['true'] } } }))],
    ['where there is no readinessProbe', podProfile(template())],
  ])('%s', (_, profile) => {
    expect(told(TCP, profile)).toEqual([]);
    expect(told(HTTP, profile)).toEqual([]);
  });

  test('where a readinessProbe asks another port', () => {
    const probe = { httpGet: { port: 9_000, path: '/ready', scheme: 'HTTPS' } };
    expect(told({ ...HTTP, httpCode: 2 }, podProfile(template({ probe })))).toEqual([]);
  });
});

describe("CLB's health check and the readinessProbe", () => {
  test('ask for different paths, where not every status passes', () => {
    expect(told({ ...HTTP, httpCode: 2 }, asking('/ready'))).toEqual([
      expect.stringMatching(/^CD1032 Service default\/web, TCP:80: .*asks for \/ and .*httpCheckPath: \/ready/),
    ]);
    expect(told({ ...HTTP, httpCode: 2 }, asking('/'))).toEqual([]);
  });

  test('speak different protocols', () => {
    const [message = ''] = told(HTTP, asking('/', { scheme: 'HTTPS' }));
    expect(message).toMatch(/^CD1032.*speaks HTTP to port 80, the Pods' readinessProbe HTTPS.*checkType: TCP/);
    const [onLayer7 = ''] = told(HTTP, asking('/', { scheme: 'HTTPS' }), PATH_RULE);
    expect(onLayer7).toMatch(/default\/web, a\.com\/ on TCP:80.*checkType: HTTPS/);
  });

  test('wait for an answer for different times', () => {
    const probe = { httpGet: { port: 80, path: '/' }, timeoutSeconds: 5 };
    const [message = ''] = told(HTTP, podProfile(template({ probe })));
    expect(message).toMatch(/^CD1032.*waits 2 s.*5 s.*timeout: 5 and healthCheck\.intervalTime: 6/);
    expect(told(TCP, podProfile(template({ probe })))).toEqual([]);
  });

  test('ask different ports, of which the Pods know only one', () => {
    const [message = ''] = told({ ...TCP, checkPort: 81 }, asking('/'));
    expect(message).toMatch(/^CD1032.*asks port 81.*-1/);
    const probe = { tcpSocket: { port: 81 } };
    expect(told({ ...TCP, checkPort: 81 }, podProfile(template({ probe })))).toEqual([]);
  });

  test('are both missing', () => {
    const off = { ...TCP, enabled: false };
    expect(told(off, podProfile(template()))).toEqual([expect.stringMatching(/^CD1033.*readinessProbe/)]);
    expect(told(off, asking('/'))).toEqual([]);
  });
});

describe('a grace period', () => {
  test.each([
    ['of 30 s for a drain of 30 s', { graceSeconds: 30 }, /^CD1034.*up to 30 s.* of 30 leaves 28 s.*Set it to 32/],
    [
      'of 60 s for a drain of 120 s',
      { graceSeconds: 60, annotations: { 'clb-direct.io/drain-seconds': '120' } },
      /^CD1034.*up to 120 s.*leaves 58 s.*Set it to 122/,
    ],
  ])('%s is too short', (_, written, message) => {
    expect(told(TCP, podProfile(template(written)))).toEqual([expect.stringMatching(message)]);
  });

  test('as the webhook makes it is long enough', () => {
    const pod = kubePod({ spec: { containers: [{ name: 'web', image: 'nginx' }] } });
    const { patch } = injectPod(pod, { ...DEFAULT_INJECTION_POLICY, pods: 'always' }, UNKNOWN_SURROUNDINGS);
    const grace = patch.find(({ path }) => path === '/spec/terminationGracePeriodSeconds')?.value as number;
    const annotations = patch.find(({ path }) => path === '/metadata/annotations')?.value as Record<string, string>;
    expect(told(TCP, podProfile(template({ graceSeconds: grace, annotations })))).toEqual([]);
  });

  test('of Pods without our hook is theirs alone', () => {
    const pod = kubePod({ spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'web', image: 'nginx' }] } });
    expect(told(TCP, podProfile(pod))).toEqual([]);
  });
});

test('the same thing is said once, and of many things only the first', () => {
  const profile = asking('/ready');
  const uses = (count: number, port: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => ({
      rule: { ...RULE, port: port(index) },
      check: { ...HTTP, httpCode: 2 },
      profile,
    }));
  expect(
    lintTemplates(
      SERVICE,
      uses(3, () => 80),
    ),
  ).toHaveLength(1);
  expect(
    lintTemplates(
      SERVICE,
      uses(20, index => index + 1),
    ),
  ).toHaveLength(5);
});
