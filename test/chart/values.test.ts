import { beforeAll, describe, expect, test } from 'vitest';
import { findHelm, type Helm } from './helm.ts';

const BUILD_TIMEOUT_MS = 900_000;

let helm: Helm | string;

beforeAll(async () => {
  helm = await findHelm();
}, BUILD_TIMEOUT_MS);

describe('the chart refuses', () => {
  test.for<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ['no region', { cloud: { region: '' } }, /cloud\.region is empty: set it to the region of the cluster/],
    ['no VPC', { cloud: { vpcId: '' } }, /cloud\.vpcId is empty: set it to the VPC/],
    ['an endpoint with a path', { cloud: { endpoint: 'https://clb/v1' } }, /has to be scheme:\/\/host\[:port\]/],
    [
      'an unknown key',
      { coordinator: { replica: 3 } },
      /at '\/coordinator': additional properties 'replica' not allowed/,
    ],
    ['an unknown group', { agents: {} }, /additional properties 'agents' not allowed/],
    [
      'a text for a number',
      { coordinator: { replicas: 'two' } },
      /at '\/coordinator\/replicas': got string, want integer/,
    ],
    ['a word that is none', { image: { pullPolicy: 'Sometimes' } }, /pullPolicy': value must be one of 'Always'/],
    ['a mode that is none', { coordinator: { mode: 'watch' } }, /mode': value must be one of 'active', 'observe'/],
    ['too many replicas', { coordinator: { replicas: 50 } }, /replicas': maximum: got 50, want 5/],
    [
      'a shorter grace than a write takes',
      { coordinator: { terminationGracePeriodSeconds: 5 } },
      /minimum: got 5, want 30/,
    ],
    [
      'a budget above its limit',
      { agent: { drainSeconds: 700 } },
      /drainSeconds \(700\) is above agent\.drainSecondsMax \(600\)/,
    ],
    [
      'a flag that has a value of its own',
      { coordinator: { extraArgs: ['--region=b'] } },
      /"--region=b", which this chart sets itself/,
    ],
    [
      'a mode among the flags',
      { coordinator: { extraArgs: ['--mode=observe'] } },
      /"--mode=observe", which this chart sets itself/,
    ],
    ['a flag that is none', { agent: { extraArgs: ['drain'] } }, /extraArgs\/0': 'drain' does not match pattern/],
    [
      'idle connections of unseen ones',
      { agent: { connections: { enabled: false, ignoreIdle: true } } },
      /ignoreIdle needs/,
    ],
    [
      'cert-manager without a Secret to write',
      { certificates: { certManager: { enabled: true } } },
      /needs certificates\.existingSecret/,
    ],
    [
      'a redirect that no agent has',
      { webhook: { hookMode: 'redirect' }, agent: { redirect: { enabled: false } } },
      /nobody would take the calls/,
    ],
    [
      'a second instance with the first one’s hooks',
      { instance: { name: 'inner' } },
      /agent\.hookPort is 19440, which/,
    ],
    [
      'a second instance with the first one’s port for metrics',
      { instance: { name: 'inner' }, agent: { hookPort: 19_450 } },
      /agent\.metricsPort is 19441, which/,
    ],
    ['one port for two things', { agent: { hookPort: 19_441 } }, /are both 19441/],
    ['a name that is no word', { instance: { name: 'Inner' } }, /instance\/name'.*does not match pattern/],
    [
      'two ways to the same metrics',
      { metrics: { podMonitors: { enabled: true }, serviceMonitors: { enabled: true } } },
      /every series would be there twice: choose one/,
    ],
    ['runbooks that are nowhere', { metrics: { rules: { runbookUrl: 'docs' } } }, /runbookUrl'.*does not match/],
    ['a digest that is none', { image: { digest: 'sha256:1' } }, /digest'.*does not match pattern/],
  ])('%s', async ([, values, message], { skip }) => {
    if (typeof helm === 'string') return skip(helm);
    await expect(helm.render(values)).rejects.toThrow(message);
  });
});

describe('the chart is for Kubernetes', () => {
  test("1.30 and later, vendors' versions among them", async ({ skip }) => {
    if (typeof helm === 'string') return skip(helm);
    await helm.render({}, { kubernetes: 'v1.30.0-tke.3' });
    await helm.render({}, { kubernetes: '1.36.1' });
  });

  test('and for none before it', async ({ skip }) => {
    if (typeof helm === 'string') return skip(helm);
    await expect(helm.render({}, { kubernetes: '1.29.9' })).rejects.toThrow(
      /requires kubeVersion: >=1\.30\.0-0 which is incompatible/,
    );
  });
});
