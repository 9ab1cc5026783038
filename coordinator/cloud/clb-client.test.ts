import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { CallObservation } from './caller.ts';
import { clbCloud } from './clb-client.ts';
import { type ScriptedAnswer, type ScriptedCall, ScriptedTransport } from './scripted-transport.ts';
import { ClbApiError, ClbConnectionError, ClbCredentialsError } from './transport.ts';
import type { NewBinding } from './types.ts';

const never = new AbortController().signal;
const SUCCEEDED = { Status: 0 };
const RUNNING = { Status: 2 };

function setUp(script: (call: ScriptedCall, index: number) => ScriptedAnswer) {
  const clock = new VirtualClock();
  const transport = new ScriptedTransport(clock, script);
  const observations: CallObservation[] = [];
  const observe = (observation: CallObservation) => observations.push(observation);
  const cloud = clbCloud({ transport, clock, random: seededRandom(1), observe });
  return { clock, transport, cloud, observations };
}

/** The result of `promise` once virtual time has gone far enough. */
async function finish<T>(clock: VirtualClock, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  promise.then(mark, mark);
  await clock.advanceUntil(() => settled, limitMs);
  return promise;
}

const apiError = (code: string, message = 'said CLB') => new ClbApiError('Action', code, message, 'request-9');

function target(index: number, listenerId = 'lbl-1'): NewBinding {
  return { listenerId, locationId: '', address: `10.0.0.${index}`, port: 80, weight: 10, tag: `tag-${index}` };
}

describe('registering targets', () => {
  test('sends Pods by address with weight and tag, and tells which listeners failed', async () => {
    const { clock, cloud, transport } = setUp(() => ({ FailListenerIdSet: ['lbl-2'], Message: 'not exists' }));
    const layer7 = { ...target(2, 'lbl-2'), locationId: 'loc-1' };
    const result = await finish(clock, cloud.registerTargets('lb-1', [target(1), layer7], never));
    expect(result).toEqual({ ok: true, value: { failedListenerIds: ['lbl-2'], message: 'not exists' } });
    expect(transport.parametersOf('BatchRegisterTargets')).toEqual([
      {
        LoadBalancerId: 'lb-1',
        Targets: [
          { ListenerId: 'lbl-1', EniIp: '10.0.0.1', Port: 80, Weight: 10, Tag: 'tag-1' },
          { ListenerId: 'lbl-2', LocationId: 'loc-1', EniIp: '10.0.0.2', Port: 80, Weight: 10, Tag: 'tag-2' },
        ],
      },
    ]);
  });

  test('refuses more than 500 targets and repeated ones as bugs of the caller', async () => {
    const { cloud } = setUp(() => ({}));
    const many = Array.from({ length: 501 }, (_, index) => ({ ...target(1), port: index + 1 }));
    await expect(cloud.registerTargets('lb-1', many, never)).rejects.toThrow('501');
    await expect(cloud.registerTargets('lb-1', [target(1), target(1)], never)).rejects.toThrow('twice');
  });

  test('is not repeated when the load balancer is busy', async () => {
    const { clock, cloud, transport } = setUp(() => apiError('FailedOperation.ResourceInOperating'));
    const result = await finish(clock, cloud.registerTargets('lb-1', [target(1)], never));
    expect(result).toMatchObject({ ok: false, error: { class: 'busy', code: 'CD2002', outcomeUnknown: false } });
    expect(transport.calls).toHaveLength(1);
  });

  test('without an answer ends after 6 s with an unknown outcome', async () => {
    const { clock, cloud } = setUp(() => 'never');
    const result = await finish(clock, cloud.registerTargets('lb-1', [target(1)], never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ ok: false, error: { code: 'CD2041', class: 'retryable', outcomeUnknown: true } });
  });

  test('a broken connection leaves the outcome unknown, a missing key does not', async () => {
    const broken = setUp(() => new ClbConnectionError('BatchRegisterTargets', 'connect ECONNREFUSED'));
    const keyless = setUp(() => new ClbCredentialsError('no key'));
    const first = await finish(broken.clock, broken.cloud.registerTargets('lb-1', [target(1)], never));
    const second = await finish(keyless.clock, keyless.cloud.registerTargets('lb-1', [target(1)], never));
    expect(first).toMatchObject({ error: { code: 'CD2040', outcomeUnknown: true } });
    expect(second).toMatchObject({ error: { code: 'CD2043', outcomeUnknown: false } });
  });

  test('a malformed reply is an error with an unknown outcome, not a crash', async () => {
    const { clock, cloud } = setUp(() => ({ FailListenerIdSet: 'lbl-1' }));
    const result = await finish(clock, cloud.registerTargets('lb-1', [target(1)], never));
    expect(result).toMatchObject({ error: { code: 'CD2042', outcomeUnknown: true } });
  });

  test("rejects with the caller's reason when the caller stops", async () => {
    const { clock, cloud } = setUp(() => 'never');
    const controller = new AbortController();
    const result = cloud.registerTargets('lb-1', [target(1)], controller.signal);
    clock.schedule(100, () => controller.abort(new Error('lease lost')));
    await expect(finish(clock, result)).rejects.toThrow('lease lost');
  });

  test('a bug in what it calls is thrown, not counted as an error of the cloud', async () => {
    const { clock, cloud } = setUp(() => new TypeError('undefined is not a function'));
    await expect(finish(clock, cloud.registerTargets('lb-1', [target(1)], never))).rejects.toThrow(TypeError);
  });

  test('waiting for the rate limit until the deadline counts as not sent', async () => {
    const { clock, cloud, transport } = setUp(() => ({}));
    const writes = Array.from({ length: 130 }, () => cloud.registerTargets('lb-1', [target(1)], never));
    const results = await finish(clock, Promise.all(writes));
    const failed = results.filter(result => !result.ok);
    expect(transport.calls.length).toBeLessThanOrEqual(2 + 6 * 18);
    expect(failed).toHaveLength(130 - transport.calls.length);
    expect(failed[0]).toMatchObject({ error: { code: 'CD2045', class: 'throttled', outcomeUnknown: false } });
  });
});

describe('changing weights', () => {
  const change = (index: number) => ({ ...target(index), port: index + 1, weight: 0 });

  test('groups targets by rule into entries of 50 and waits for the end of the task', async () => {
    const { clock, cloud, transport } = setUp(({ action }, index) =>
      action === 'DescribeTaskStatus' && index < 3 ? RUNNING : SUCCEEDED,
    );
    const targets = Array.from({ length: 120 }, (_, index) => change(index));
    const result = await finish(clock, cloud.modifyWeights('lb-1', [...targets, target(1, 'lbl-2')], never));
    expect(result.ok).toBe(true);
    const [parameters] = transport.parametersOf('BatchModifyTargetWeight');
    const entries = parameters?.ModifyList as { ListenerId: string; Targets: object[] }[];
    expect(entries.map(entry => [entry.ListenerId, entry.Targets.length])).toEqual([
      ['lbl-1', 50],
      ['lbl-1', 50],
      ['lbl-1', 20],
      ['lbl-2', 1],
    ]);
    expect(transport.parametersOf('DescribeTaskStatus')[0]).toEqual({ TaskId: 'request-1' });
    expect(transport.calls.map(call => call.at)).toEqual([0, 100, 250, 475]);
  });

  test('a task that fails ends in an error with its reason and an unknown outcome', async () => {
    const { clock, cloud } = setUp(() => ({ Status: 1, Message: 'backend gone' }));
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(result).toMatchObject({ error: { code: 'CD2044', outcomeUnknown: true } });
    expect(result.ok || result.error.message).toContain('backend gone');
  });

  test('a failure to ask for the task is passed over', async () => {
    const { clock, cloud } = setUp(({ action }, index) => {
      if (action !== 'DescribeTaskStatus') return {};
      return index === 1 ? apiError('InternalError') : SUCCEEDED;
    });
    expect((await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never))).ok).toBe(true);
  });

  test('being forbidden to ask for the task is told, with an unknown outcome', async () => {
    const { clock, cloud } = setUp(({ action }) =>
      action === 'DescribeTaskStatus' ? apiError('UnauthorizedOperation') : {},
    );
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(result).toMatchObject({ error: { code: 'CD2027', class: 'terminal', outcomeUnknown: true } });
  });

  test('a task that does not end in time leaves the outcome unknown', async () => {
    const { clock, cloud } = setUp(({ action }) => (action === 'DescribeTaskStatus' ? RUNNING : {}));
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ error: { code: 'CD2041', outcomeUnknown: true } });
  });
});

describe('reading', () => {
  test('is repeated at most twice when throttled, and the action rests in between', async () => {
    const { clock, cloud, transport } = setUp(() => apiError('RequestLimitExceeded.UinLimitExceeded'));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toMatchObject({ error: { code: 'CD2001', class: 'throttled' } });
    expect(transport.calls).toHaveLength(3);
    const [first, second] = transport.calls;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(500);
  });

  test('is not repeated after a terminal error', async () => {
    const { clock, cloud, transport } = setUp(() => apiError('InvalidParameter.LBIdNotFound'));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toMatchObject({ error: { code: 'CD2011', notFound: true, outcomeUnknown: false } });
    expect(transport.calls).toHaveLength(1);
  });

  test('gives up a silent attempt after 2 s and asks again', async () => {
    const { clock, cloud } = setUp((_, index) => (index === 0 ? 'never' : { Listeners: [] }));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toEqual({ ok: true, value: [] });
    expect(clock.now()).toBeGreaterThanOrEqual(2000);
  });

  test('tells each call with its outcome', async () => {
    const { clock, cloud, observations } = setUp((_, index) => (index === 0 ? apiError('InternalError') : {}));
    await finish(clock, cloud.describeListeners('lb-1', never));
    expect(observations.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'DescribeListeners CD2030',
      'DescribeListeners ok',
    ]);
  });

  test('finds the targets of layer 4 listeners and of layer 7 rules, 20 listeners a call', async () => {
    const { clock, cloud, transport } = setUp((_, index) => ({
      Listeners: [
        {
          ListenerId: `lbl-${index}`,
          Targets: [{ PrivateIpAddresses: ['10.0.0.1'], Port: 80, Weight: 0, Tag: null }],
          Rules: [
            { LocationId: 'loc-1', Targets: [{ PrivateIpAddresses: ['10.0.0.2'], Port: 81, Weight: 7, Tag: 'ours' }] },
          ],
        },
        { ListenerId: 'lbl-empty', Targets: null, Rules: null },
      ],
    }));
    const ids = Array.from({ length: 21 }, (_, index) => `lbl-${index}`);
    const result = await finish(clock, cloud.describeTargets('lb-1', ids, never));
    expect(transport.parametersOf('DescribeTargets').map(each => (each.ListenerIds as string[]).length)).toEqual([
      20, 1,
    ]);
    expect(result).toMatchObject({
      ok: true,
      value: [
        { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80, weight: 0, tag: '' },
        { listenerId: 'lbl-0', locationId: 'loc-1', address: '10.0.0.2', port: 81, weight: 7, tag: 'ours' },
        { listenerId: 'lbl-1' },
        { listenerId: 'lbl-1' },
      ],
    });
  });

  test.each([
    ['Alive', 'healthy'],
    ['Dead', 'unhealthy'],
    ['Unknown', 'unknown'],
    ['Close', 'closed'],
  ])('health %s is %s', async (HealthStatusDetail, health) => {
    const Targets = [{ IP: '10.0.0.1', Port: 80, Weight: 10, HealthStatus: false, HealthStatusDetail }];
    const { clock, cloud } = setUp(() => ({
      LoadBalancers: [{ LoadBalancerId: 'lb-1', Listeners: [{ ListenerId: 'lbl-1', Rules: [{ Targets }] }] }],
    }));
    const result = await finish(clock, cloud.describeTargetHealth(['lb-1'], never));
    expect(result).toMatchObject({ value: [{ listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', health }] });
  });
});

describe('load balancers', () => {
  const described = (id: string) => ({
    LoadBalancerId: id,
    LoadBalancerName: 'web',
    Status: 1,
    LoadBalancerVips: ['127.100.0.1'],
    VpcId: 'vpc-1',
    Tags: [{ TagKey: 'clb-direct-cluster', TagValue: 'abc' }],
    AttributeFlags: ['DeleteProtect'],
  });

  test('are listed page by page with the tag filters', async () => {
    const { clock, cloud, transport } = setUp(({ parameters }) => ({
      TotalCount: 101,
      LoadBalancerSet: Array.from({ length: parameters.Offset === 0 ? 100 : 1 }, (_, index) =>
        described(`lb-${Number(parameters.Offset) + index}`),
      ),
    }));
    const query = { tags: { 'clb-direct-cluster': 'abc' } };
    const result = await finish(clock, cloud.describeLoadBalancers(query, never));
    expect(result.ok && result.value).toHaveLength(101);
    expect(transport.parametersOf('DescribeLoadBalancers')).toEqual(
      [0, 100].map(Offset => ({
        Limit: 100,
        Offset,
        Filters: [{ Name: 'tag:clb-direct-cluster', Values: ['abc'] }],
      })),
    );
    expect(result.ok && result.value[0]).toMatchObject({
      id: 'lb-0',
      running: true,
      virtualAddresses: ['127.100.0.1'],
      deleteProtected: true,
    });
  });

  test('one unknown id does not hide the others', async () => {
    const { clock, cloud } = setUp(({ parameters }) => {
      const ids = parameters.LoadBalancerIds as string[];
      if (ids.includes('lb-gone')) return apiError('InvalidParameter', 'LB not exist');
      return { TotalCount: ids.length, LoadBalancerSet: ids.map(described) };
    });
    const query = { ids: ['lb-1', 'lb-gone', 'lb-2'] };
    const result = await finish(clock, cloud.describeLoadBalancers(query, never));
    expect(result.ok && result.value.map(each => each.id)).toEqual(['lb-1', 'lb-2']);
  });

  const request = { name: 'web', vpcId: 'vpc-1', subnetId: 'subnet-1', tags: { owner: 'us' }, clientToken: 'token-1' };

  test('are made with a token against doubles, and named by the task if not by the reply', async () => {
    const { clock, cloud, transport } = setUp(({ action }) =>
      action === 'DescribeTaskStatus' ? { Status: 0, LoadBalancerIds: ['lb-7'] } : { LoadBalancerIds: [] },
    );
    const result = await finish(clock, cloud.createLoadBalancer(request, never));
    expect(result).toEqual({ ok: true, value: 'lb-7' });
    expect(transport.parametersOf('CreateLoadBalancer')).toEqual([
      {
        LoadBalancerType: 'INTERNAL',
        Forward: 1,
        LoadBalancerName: 'web',
        VpcId: 'vpc-1',
        SubnetId: 'subnet-1',
        Number: 1,
        Tags: [{ TagKey: 'owner', TagValue: 'us' }],
        ClientToken: 'token-1',
      },
    ]);
  });

  test('may take longer to make than a hot write', async () => {
    const { clock, cloud } = setUp(call => {
      if (call.action !== 'DescribeTaskStatus') return { LoadBalancerIds: ['lb-7'] };
      return call.at < 12_000 ? RUNNING : SUCCEEDED;
    });
    expect(await finish(clock, cloud.createLoadBalancer(request, never))).toEqual({ ok: true, value: 'lb-7' });
  });
});

describe('listeners', () => {
  test('are asked for within 6 s or not at all, as the lease was only asked for that long (L7)', async () => {
    const { clock, cloud } = setUp(() => 'never');
    const listener = { name: 'clb-direct', protocol: 'TCP', ports: [80] } as const;
    const result = await finish(clock, cloud.createListeners('lb-1', listener, never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ ok: false, error: { outcomeUnknown: true } });
  });

  test('are made for at most 49 ports a call, with their health check, ids in the order of the ports', async () => {
    const { clock, cloud, transport } = setUp(({ action, parameters }) =>
      action === 'DescribeTaskStatus'
        ? SUCCEEDED
        : { ListenerIds: (parameters.Ports as number[]).map(port => `lbl-${port}`) },
    );
    const ports = Array.from({ length: 50 }, (_, index) => 1000 + index);
    const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 3, unhealthyThreshold: 3 };
    const result = await finish(
      clock,
      cloud.createListeners('lb-1', { name: 'clb-direct', protocol: 'TCP', ports, healthCheck }, never),
    );
    expect(result).toEqual({ ok: true, value: ports.map(port => `lbl-${port}`) });
    const calls = transport.parametersOf('CreateListener');
    expect(calls.map(call => (call.Ports as number[]).length)).toEqual([49, 1]);
    expect(calls[1]).toMatchObject({
      Protocol: 'TCP',
      ListenerNames: ['clb-direct'],
      HealthCheck: { HealthSwitch: 1, TimeOut: 2, IntervalTime: 5, HealthNum: 3, UnHealthNum: 3 },
    });
  });

  test('are never deleted with an empty list, which CLB would take for all of them', async () => {
    const { clock, cloud, transport } = setUp(() => SUCCEEDED);
    await finish(clock, cloud.deleteListeners('lb-1', [], never));
    expect(transport.calls).toEqual([]);
    await finish(clock, cloud.deleteListeners('lb-1', ['lbl-1'], never));
    expect(transport.parametersOf('DeleteLoadBalancerListeners')).toEqual([
      { LoadBalancerId: 'lb-1', ListenerIds: ['lbl-1'] },
    ]);
  });

  test('an error after a first accepted request leaves the outcome unknown', async () => {
    const { clock, cloud } = setUp(({ action, parameters }) => {
      if (action === 'DescribeTaskStatus') return SUCCEEDED;
      const ports = parameters.Ports as number[];
      return ports.length === 1 ? apiError('LimitExceeded') : { ListenerIds: ports.map(String) };
    });
    const ports = Array.from({ length: 50 }, (_, index) => 1000 + index);
    const request = { name: 'clb-direct', protocol: 'TCP', ports } as const;
    const result = await finish(clock, cloud.createListeners('lb-1', request, never));
    expect(result).toMatchObject({ error: { code: 'CD2014', class: 'terminal', outcomeUnknown: true } });
  });
});
