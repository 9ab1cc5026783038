import { describe, expect, it } from 'vitest';
import { fixture, recordsOf, targets, withListener } from './server-fixture.ts';

describe('writes', () => {
  it('take the time the model says, and a read shows them only at the end', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const startedAt = clb.clock.now();
    const write = clb.server.call('BatchRegisterTargets', {
      LoadBalancerId: loadBalancerId,
      Targets: targets(listenerId, 100),
    });
    await clb.clock.advance(900);
    expect(await boundAddresses(clb, loadBalancerId)).toEqual([]);
    await clb.clock.advance(1_000);
    await write;
    expect(await boundAddresses(clb, loadBalancerId)).toHaveLength(100);
    const [call] = recordsOf(clb.server, 'call').filter(({ action }) => action === 'BatchRegisterTargets');
    expect((call?.finishedAt ?? 0) - (call?.at ?? 0)).toBeCloseTo(200 + 100 * 9.35);
    expect(startedAt).toBeLessThan(clb.clock.now());
  });

  it('exclude each other on one load balancer, and leave other load balancers alone', async () => {
    const clb = fixture();
    const first = await withListener(clb);
    const second = await withListener(clb);
    const running = clb.server.call('BatchRegisterTargets', {
      LoadBalancerId: first.loadBalancerId,
      Targets: targets(first.listenerId, 200),
    });
    const again = { LoadBalancerId: first.loadBalancerId, Targets: targets(first.listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', again)).toBe('FailedOperation.ResourceInOperating');
    const elsewhere = { LoadBalancerId: second.loadBalancerId, Targets: targets(second.listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', elsewhere)).toBe('');
    await clb.clock.advance(10_000);
    await running;
    expect(await clb.codeOf('BatchRegisterTargets', again)).toBe('');
  });

  it('answer the plain busy form where the published list has no ResourceInOperating', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const running = clb.server.call('BatchRegisterTargets', {
      LoadBalancerId: loadBalancerId,
      Targets: targets(listenerId, 200),
    });
    const removal = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    await expect(clb.call('BatchDeregisterTargets', removal)).rejects.toMatchObject({
      code: 'FailedOperation',
      message: expect.stringContaining('pls Try Later'),
    });
    await clb.clock.advance(5_000);
    await running;
  });

  it('keep the load balancer busy for a while after a large one', async () => {
    const clb = fixture({ latency: { busyTailMaxMs: 60_000 }, quota: { targetsPerListener: 500 } });
    const { loadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 500) });
    const next = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', next)).toBe('FailedOperation.ResourceInOperating');
    await clb.clock.advance(60_000);
    expect(await clb.codeOf('BatchRegisterTargets', next)).toBe('');
  });

  it('of weights are tasks: accepted early, visible when the task has ended', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 20) });
    await clb.clock.advance(2_000);
    const entry = {
      ListenerId: listenerId,
      Weight: 7,
      Targets: [
        { EniIp: '10.0.0.1', Port: 8080, Weight: 0 },
        { EniIp: '10.0.0.2', Port: 8080 },
      ],
    };
    const answer = await clb.call('BatchModifyTargetWeight', { LoadBalancerId: loadBalancerId, ModifyList: [entry] });
    expect((await clb.call('DescribeTaskStatus', { TaskId: answer.RequestId })).Status).toBe(2);
    expect((await weights(clb, loadBalancerId)).slice(0, 2)).toEqual([10, 10]);
    await clb.finished(answer);
    expect((await weights(clb, loadBalancerId)).slice(0, 3)).toEqual([0, 7, 10]);
  });
});

describe('limits', () => {
  it('let 20 requests a second and action through', async () => {
    const clb = fixture();
    const answers = Array.from({ length: 21 }, () =>
      clb.server.call('DescribeQuota', {}).then(
        () => '',
        error => error.code,
      ),
    );
    const other = clb.server.call('DescribeLoadBalancers', {});
    await clb.clock.advance(100);
    expect((await Promise.all(answers)).filter(code => code === 'RequestLimitExceeded')).toHaveLength(1);
    await other;
    await clb.clock.advance(1_000);
    expect(await clb.codeOf('DescribeQuota', {})).toBe('');
  });

  it.each([
    [
      'a batch of 501 targets',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: targets(id, 501) }),
      'InvalidParameterValue.Length',
    ],
    ['an empty batch', 'BatchDeregisterTargets', () => ({ Targets: [] }), 'InvalidParameterValue.Length'],
    [
      'a listener with more targets than the quota',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: targets(id, 201) }),
      'LimitExceeded',
    ],
    ['more than 50 listeners', 'CreateListener', () => ({ Protocol: 'UDP', Ports: ports(49) }), ''],
    [
      '50 ports in one call',
      'CreateListener',
      () => ({ Protocol: 'UDP', Ports: ports(50) }),
      'InvalidParameterValue.Length',
    ],
    [
      'a port that is used',
      'CreateListener',
      () => ({ Protocol: 'TCP', Ports: [80] }),
      'InvalidParameter.PortCheckFailed',
    ],
    [
      '21 listener ids in DescribeTargets',
      'DescribeTargets',
      () => ({ ListenerIds: Array(21).fill('lbl-1') }),
      'InvalidParameterValue.Length',
    ],
    [
      '51 targets in one weight entry',
      'BatchModifyTargetWeight',
      (id: string) => ({ ModifyList: [entry(id, 51)] }),
      'InvalidParameterValue.Length',
    ],
    [
      '501 targets in all weight entries',
      'BatchModifyTargetWeight',
      (id: string) => ({ ModifyList: Array(11).fill(entry(id, 46)) }),
      'InvalidParameterValue.Length',
    ],
    [
      '101 weight entries',
      'BatchModifyTargetWeight',
      (id: string) => ({ ModifyList: Array(101).fill(entry(id, 1)) }),
      'InvalidParameterValue.Length',
    ],
    [
      'a weight of 101',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: targets(id, 1, 101) }),
      'InvalidParameterValue',
    ],
    [
      'a weight as text',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: [{ ...targets(id, 1)[0], Weight: '10' }] }),
      'InvalidParameter',
    ],
    [
      'an address that is none',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: [{ ...targets(id, 1)[0], EniIp: '10.0.0.256' }] }),
      'InvalidParameter.FormatError',
    ],
    [
      'no address at all',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: [{ ListenerId: id, Port: 80 }] }),
      'InvalidParameter',
    ],
    ['an unknown parameter', 'DescribeTargets', () => ({ Colour: 'red' }), 'UnknownParameter'],
    [
      'an unknown parameter inside',
      'BatchRegisterTargets',
      (id: string) => ({ Targets: [{ ...targets(id, 1)[0], Wieght: 1 }] }),
      'UnknownParameter',
    ],
    ['a missing parameter', 'CreateListener', () => ({ Ports: [81] }), 'MissingParameter'],
    [
      'a duplicate',
      'BatchDeregisterTargets',
      (id: string) => ({ Targets: [...targets(id, 1), ...targets(id, 1)] }),
      'InvalidParameterValue.Duplicate',
    ],
    [
      'a parameter that the sandbox does not model',
      'CreateListener',
      () => ({ Protocol: 'TCP', Ports: [81], EndPort: 90 }),
      'UnsupportedOperation',
    ],
    [
      'a TCP_SSL listener without a certificate',
      'CreateListener',
      () => ({ Protocol: 'TCP_SSL', Ports: [81] }),
      'InvalidParameter',
    ],
    [
      'an HTTPS listener without a certificate',
      'CreateListener',
      () => ({ Protocol: 'HTTPS', Ports: [81] }),
      'InvalidParameter',
    ],
    [
      'an HTTP listener with a session of its own',
      'CreateListener',
      () => ({ Protocol: 'HTTP', Ports: [81], SessionExpireTime: 60 }),
      'InvalidParameter',
    ],
    [
      'an HTTP port that TCP has',
      'CreateListener',
      () => ({ Protocol: 'HTTP', Ports: [80] }),
      'InvalidParameter.PortCheckFailed',
    ],
    ['a UDP port that TCP has', 'CreateListener', () => ({ Protocol: 'UDP', Ports: [80] }), ''],
    [
      'a protocol that is none',
      'CreateListener',
      () => ({ Protocol: 'SCTP', Ports: [81] }),
      'InvalidParameter.ProtocolCheckFailed',
    ],
    ['an action that is none', 'DescribeWeather', () => ({}), 'InvalidAction'],
  ])('answer %s of %s with the right code', async (_, action, parameters, code) => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    expect(await clb.codeOf(action, { LoadBalancerId: loadBalancerId, ...parameters(listenerId) })).toBe(code);
  });

  it('refuse the 51st listener', async () => {
    const clb = fixture();
    const { loadBalancerId } = await withListener(clb);
    await clb.finished(
      await clb.call('CreateListener', { LoadBalancerId: loadBalancerId, Protocol: 'UDP', Ports: ports(49) }),
    );
    const oneMore = { LoadBalancerId: loadBalancerId, Protocol: 'UDP', Ports: [9_999] };
    expect(await clb.codeOf('CreateListener', oneMore)).toBe('LimitExceeded');
  });
});

describe('a batch with a listener that does not exist', () => {
  it('does the rest and names the failed listener', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const answer = await clb.call('BatchRegisterTargets', {
      LoadBalancerId: loadBalancerId,
      Targets: [...targets('lbl-gone', 1), ...targets(listenerId, 2)],
    });
    expect(answer).toMatchObject({ FailListenerIdSet: ['lbl-gone'], Message: 'Listener lbl-gone not exists.' });
    expect(await boundAddresses(clb, loadBalancerId)).toHaveLength(2);
  });

  it('fails as a whole where the manners say so', async () => {
    const clb = fixture({ manners: { unknownListener: 'fail-call' } });
    const { loadBalancerId, listenerId } = await withListener(clb);
    const batch = { LoadBalancerId: loadBalancerId, Targets: [...targets('lbl-gone', 1), ...targets(listenerId, 2)] };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('InvalidParameter.ListenerIdNotFound');
    expect(await boundAddresses(clb, loadBalancerId)).toEqual([]);
  });
});

describe('registering a target that is bound already', () => {
  it.each([
    ['keep', '', 10],
    ['update', '', 0],
    ['error', 'InvalidParameterValue', 10],
  ] as const)('by the manner %s answers %o and leaves weight %i', async (registerExisting, code, weight) => {
    const clb = fixture({ manners: { registerExisting } });
    const { loadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) });
    await clb.clock.advance(2_000);
    const again = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1, 0) };
    expect(await clb.codeOf('BatchRegisterTargets', again)).toBe(code);
    expect(await weights(clb, loadBalancerId)).toEqual([weight]);
  });
});

describe('faults', () => {
  it('answer an error as often as asked, and nothing is done', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: 'BatchRegisterTargets', kind: 'error', code: 'InternalError', count: 1 });
    const batch = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('InternalError');
    expect(await boundAddresses(clb, loadBalancerId)).toEqual([]);
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('');
  });

  it('lose the reply after the write was done', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: 'BatchRegisterTargets', kind: 'lose-reply' });
    const batch = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    await expect(clb.call('BatchRegisterTargets', batch)).rejects.toMatchObject({ code: '', name: 'ClbError' });
    expect(await boundAddresses(clb, loadBalancerId)).toHaveLength(1);
    expect(recordsOf(clb.server, 'call').at(-2)).toMatchObject({ code: '', replyLost: true });
  });

  it('answer an error although the write was done', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: 'BatchRegisterTargets', kind: 'late-error', code: 'InternalError' });
    const batch = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('InternalError');
    expect(await boundAddresses(clb, loadBalancerId)).toHaveLength(1);
  });

  it('answer success and do nothing', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: '*', kind: 'do-nothing', count: 1 });
    const batch = { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('');
    expect(await boundAddresses(clb, loadBalancerId)).toEqual([]);
  });

  it('delay a call, delay its reply, or fail its task', async () => {
    const clb = fixture();
    const { loadBalancerId } = await withListener(clb);
    clb.server.faults.add({ action: 'DescribeQuota', kind: 'delay', delayMs: 3_000, count: 1 });
    const startedAt = clb.clock.now();
    await clb.call('DescribeQuota', {});
    expect(clb.clock.now() - startedAt).toBe(3_040);
    clb.server.faults.add({ action: 'CreateListener', kind: 'delay-reply', delayMs: 5_000, count: 1 });
    clb.server.faults.add({ action: 'CreateListener', kind: 'fail-task', count: 1 });
    const answer = await clb.call('CreateListener', { LoadBalancerId: loadBalancerId, Protocol: 'TCP', Ports: [81] });
    expect(await clb.call('DescribeTaskStatus', { TaskId: answer.RequestId })).toMatchObject({ Status: 1 });
  });

  it('of the same seed hit the same calls', async () => {
    const outcomes = async (seed: number) => {
      const clb = fixture({ seed });
      clb.server.faults.add({ action: 'DescribeQuota', kind: 'error', code: 'InternalError', probability: 0.5 });
      const codes: string[] = [];
      for (let call = 0; call < 15; call += 1) codes.push(await clb.codeOf('DescribeQuota', {}));
      return codes;
    };
    expect(await outcomes(7)).toEqual(await outcomes(7));
    expect(new Set(await outcomes(7))).toEqual(new Set(['', 'InternalError']));
  });
});

describe('the journal', () => {
  it('of two runs with one seed is the same, and of another seed is not', async () => {
    const journal = async (seed: number) => {
      const clb = fixture({ seed });
      clb.server.faults.add({ action: '*', kind: 'error', code: 'InternalError', probability: 0.1 });
      const { loadBalancerId, listenerId } = await withListener(clb).catch(() => withListener(clb));
      for (let round = 0; round < 20; round += 1) {
        await clb.codeOf('BatchRegisterTargets', {
          LoadBalancerId: loadBalancerId,
          Targets: targets(listenerId, round + 1),
        });
        await clb.clock.advance(1_000);
      }
      return JSON.stringify(clb.server.journal.records());
    };
    expect(await journal(5)).toBe(await journal(5));
    expect(await journal(5)).not.toBe(await journal(6));
  });

  it('ties a call to what it changed and to the moment a read shows it', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const answer = await clb.call('BatchRegisterTargets', {
      LoadBalancerId: loadBalancerId,
      Targets: [{ ...targets(listenerId, 1)[0], Tag: 'cd1:demo' }],
    });
    const change = recordsOf(clb.server, 'change').find(({ requestId }) => requestId === answer.RequestId);
    expect(change).toMatchObject({
      at: clb.clock.wallNow(),
      changes: [{ kind: 'target-registered', address: '10.0.0.1', port: 8080, weight: 10, tag: 'cd1:demo' }],
    });
    const call = recordsOf(clb.server, 'call').find(({ requestId }) => requestId === answer.RequestId);
    expect(call).toMatchObject({ action: 'BatchRegisterTargets', code: '', finishedAt: clb.clock.wallNow() });
  });
});

type Clb = ReturnType<typeof fixture>;

interface DescribedListener {
  readonly Targets: readonly { readonly PrivateIpAddresses: readonly string[]; readonly Weight: number }[];
}

async function boundTargets(clb: Clb, loadBalancerId: string) {
  const { Listeners: listeners } = await clb.call('DescribeTargets', { LoadBalancerId: loadBalancerId });
  return (listeners as DescribedListener[]).flatMap(listener => listener.Targets);
}

async function boundAddresses(clb: Clb, loadBalancerId: string) {
  return (await boundTargets(clb, loadBalancerId)).flatMap(target => target.PrivateIpAddresses);
}

async function weights(clb: Clb, loadBalancerId: string) {
  return (await boundTargets(clb, loadBalancerId)).map(target => target.Weight);
}

function ports(count: number): number[] {
  return Array.from({ length: count }, (_, index) => 1_000 + index);
}

function entry(listenerId: string, count: number): Record<string, unknown> {
  return { ListenerId: listenerId, Targets: targets('', count).map(({ EniIp, Port }) => ({ EniIp, Port })) };
}
