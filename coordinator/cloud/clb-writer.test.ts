import { describe, expect, test } from 'vitest';
import { apiError, finish, never, RUNNING, SUCCEEDED, setUp, target } from './clb-cloud.fixture.ts';
import { ClbConnectionError, ClbCredentialsError } from './transport.ts';

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

describe('changing tags', () => {
  test('names each target with its tag in one entry per listener or rule, instances by their id', async () => {
    const { clock, cloud, transport } = setUp(() => ({}));
    const node = { listenerId: 'lbl-2', locationId: 'loc-1', address: '10.1.0.1', port: 80, instanceId: 'ins-1' };
    const result = await finish(clock, cloud.modifyTags('lb-1', [target(1), target(2), { ...node, tag: 'c' }], never));
    expect(result.ok).toBe(true);
    expect(transport.calls.map(call => [call.action, call.parameters])).toEqual([
      [
        'BatchModifyTargetTag',
        {
          LoadBalancerId: 'lb-1',
          ModifyList: [
            {
              ListenerId: 'lbl-1',
              Targets: [
                { EniIp: '10.0.0.1', Port: 80, Tag: 'tag-1' },
                { EniIp: '10.0.0.2', Port: 80, Tag: 'tag-2' },
              ],
            },
            {
              ListenerId: 'lbl-2',
              LocationId: 'loc-1',
              Targets: [{ InstanceId: 'ins-1', Port: 80, Tag: 'c' }],
            },
          ],
        },
      ],
    ]);
  });

  test('spread over more than 100 rules takes a second call, still within 6 s', async () => {
    const { clock, cloud, transport } = setUp(() => ({}));
    const targets = Array.from({ length: 120 }, (_, index) => target(1, `lbl-${index}`));
    expect((await finish(clock, cloud.modifyTags('lb-1', targets, never))).ok).toBe(true);
    const lists = transport.parametersOf('BatchModifyTargetTag').map(each => each.ModifyList as object[]);
    expect(lists.map(list => list.length)).toEqual([100, 20]);
  });
});

describe('changing weights', () => {
  const change = (index: number) => ({ ...target(index), port: index + 1, weight: 0 });

  test('groups targets by rule into entries of 50 and waits for the end of the task', async () => {
    const { clock, cloud, transport, tasks } = setUp(({ action }, index) =>
      action === 'DescribeTaskStatus' && index < 3 ? RUNNING : SUCCEEDED,
    );
    const targets = Array.from({ length: 120 }, (_, index) => change(index));
    const result = await finish(clock, cloud.modifyWeights('lb-1', [...targets, target(1, 'lbl-2')], never));
    expect(result.ok).toBe(true);
    expect(tasks).toEqual([{ action: 'BatchModifyTargetWeight', durationMs: clock.now() }]);
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

  test('being forbidden to ask for the task is told at the deadline, since CLB may be at it until then (L7)', async () => {
    const { clock, cloud } = setUp(({ action }) =>
      action === 'DescribeTaskStatus' ? apiError('UnauthorizedOperation') : {},
    );
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ error: { code: 'CD2027', class: 'terminal', outcomeUnknown: true } });
  });

  test.each(['InvalidParameter', 'AuthFailure.SignatureExpire'])(
    '%s in answer to a question for the task says nothing of it: it may be under way, and is asked for again (L7)',
    async code => {
      let asked = 0;
      const { clock, cloud } = setUp(({ action }) => {
        if (action !== 'DescribeTaskStatus') return {};
        asked += 1;
        return asked < 3 ? apiError(code) : { Status: 0 };
      });
      expect(await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never))).toMatchObject({ ok: true });
    },
  );

  test('a task of which CLB tells nothing until the deadline leaves the outcome unknown', async () => {
    const { clock, cloud } = setUp(({ action }) =>
      action === 'DescribeTaskStatus' ? apiError('InvalidParameter') : {},
    );
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ error: { code: 'CD2041', class: 'retryable', outcomeUnknown: true } });
  });

  test('a task that does not end in time leaves the outcome unknown', async () => {
    const { clock, cloud } = setUp(({ action }) => (action === 'DescribeTaskStatus' ? RUNNING : {}));
    const result = await finish(clock, cloud.modifyWeights('lb-1', [change(1)], never));
    expect(clock.now()).toBe(6000);
    expect(result).toMatchObject({ error: { code: 'CD2041', outcomeUnknown: true } });
  });
});

describe('load balancers', () => {
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
      cloud.createListeners('lb-1', { name: 'clb-direct', protocol: 'TCP', ports, settings: { healthCheck } }, never),
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

describe('forwarding rules', () => {
  const rules = Array.from({ length: 60 }, (_, index) => ({ domain: 'a.example', url: `/${index}` }));

  test('are made 49 a call, each call after the task of the one before, ids in the order of the rules', async () => {
    const { clock, cloud, transport } = setUp(({ action, parameters }) =>
      action === 'DescribeTaskStatus'
        ? SUCCEEDED
        : { LocationIds: (parameters.Rules as { Url: string }[]).map(rule => `loc-${rule.Url}`) },
    );
    const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 3, unhealthyThreshold: 3 };
    const [first, ...rest] = rules;
    const wanted = [{ domain: '', url: '', ...first, settings: { healthCheck } }, ...rest];
    const result = await finish(clock, cloud.createRules('lb-1', 'lbl-1', wanted, never));
    expect(result).toEqual({ ok: true, value: rules.map(rule => `loc-${rule.url}`) });
    expect(transport.calls.map(call => call.action)).toEqual([
      'CreateRule',
      'DescribeTaskStatus',
      'CreateRule',
      'DescribeTaskStatus',
    ]);
    const [call] = transport.parametersOf('CreateRule');
    expect(call).toMatchObject({ LoadBalancerId: 'lb-1', ListenerId: 'lbl-1' });
    expect(call).toHaveProperty('Rules[0]', {
      Domain: 'a.example',
      Url: '/0',
      HealthCheck: { HealthSwitch: 1, TimeOut: 2, IntervalTime: 5, HealthNum: 3, UnHealthNum: 3 },
    });
  });

  test('whose first task outlives the 6 s of the lease are made no further (L7), with an unknown outcome', async () => {
    const { clock, cloud, transport } = setUp(({ action, parameters, at }) => {
      if (action === 'DescribeTaskStatus') return at < 8000 ? RUNNING : SUCCEEDED;
      return { LocationIds: (parameters.Rules as object[]).map((_, index) => `loc-${index}`) };
    });
    const result = await finish(clock, cloud.createRules('lb-1', 'lbl-1', rules, never));
    expect(result).toMatchObject({ ok: false, error: { outcomeUnknown: true } });
    expect(transport.parametersOf('CreateRule')).toHaveLength(1);
  });

  test('are deleted by their ids, 49 a call, and never without one', async () => {
    const { clock, cloud, transport } = setUp(() => SUCCEEDED);
    await finish(clock, cloud.deleteRules('lb-1', 'lbl-1', [], never));
    expect(transport.calls).toEqual([]);
    const ids = rules.map(rule => `loc-${rule.url}`);
    expect((await finish(clock, cloud.deleteRules('lb-1', 'lbl-1', ids, never))).ok).toBe(true);
    const calls = transport.parametersOf('DeleteRule');
    expect(calls.map(call => (call.LocationIds as string[]).length)).toEqual([49, 11]);
    expect(calls[1]).toMatchObject({ LoadBalancerId: 'lb-1', ListenerId: 'lbl-1' });
  });
});
