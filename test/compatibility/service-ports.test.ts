import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';

const SPECIFY = 'service.cloud.tencent.com/specify-protocol';
const WEIGHTS = 'service.cloud.tencent.com/lb-rs-weight';
const LB = 'lb-theirs';

async function withWeb(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(LB);
  await estate.deploy('web', { replicas: 2 });
  return estate;
}

function listeners(estate: Estate): readonly string[] {
  return estate.account
    .listenersOf(LB)
    .map(({ protocol, port }) => `${protocol}:${port}`)
    .toSorted();
}

describe('specify-protocol', () => {
  test('binds the annotated protocols in place of those of the port, several on one port', async () => {
    const estate = await withWeb(1);
    const said = { 80: { protocol: ['TCP', 'UDP'] }, 81: { protocol: ['UDP'] }, 99: { protocol: ['TCP'] } };
    await estate.serve('web', {
      on: LB,
      annotations: { [SPECIFY]: JSON.stringify(said) },
      ports: [{ port: 80 }, { port: 81 }, { port: 82 }],
    });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['TCP:80', 'TCP:82', 'UDP:80', 'UDP:81']);
    expect(estate.account.openOn(LB, 80, 'UDP')).toEqual(estate.account.openOn(LB, 80, 'TCP'));
    expect(estate.account.openOn(LB, 81, 'UDP')).toHaveLength(2);
    expect(await estate.codesOf('web')).toEqual([]);
    await estate.load('web', { port: 80 });
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each([
    ['{"81":', 'takes JSON'],
    ['{"81":{"protocol":["QUIC"]}}', 'of port 81'],
    ['{"81":{"protocol":["HTTPS"],"hosts":{"a.com":{}}}}', 'of port 81'],
    ['{"81":{"protocol":["TCP","HTTP"]}}', 'of port 81'],
    ['{"81":"UDP"}', 'of port 81'],
  ])('that says %s is told, makes nothing new and takes nothing away', async (slip, told) => {
    const estate = await withWeb(2);
    await estate.serve('web', {
      on: LB,
      annotations: { [SPECIFY]: '{"81":{"protocol":["UDP"]}}' },
      ports: [{ port: 80 }, { port: 81 }],
    });
    await estate.untilReady('web', 2);
    await estate.load('web');
    await estate.annotate('web', { [SPECIFY]: slip });
    await estate.passes(MINUTE_MS);
    expect(listeners(estate)).toEqual(['TCP:80', 'UDP:81']);
    expect(estate.account.openOn(LB, 81, 'UDP')).toHaveLength(2);
    const messages = (await estate.eventsOf('web')).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringMatching(/^CD1001.*default\/web.*specify-protocol/));
    expect(messages.join()).toContain(told);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

test('named target ports lead to the port that each Pod has by that name', async () => {
  const estate = await Estate.make({ seed: 3 });
  estate.account.addLoadBalancer(LB);
  for (const [name, containerPort] of [
    ['old', 80],
    ['new', 8080],
  ] as const) {
    await estate.world.create(
      '/api/v1/namespaces/default/pods',
      pod(name, { ports: [{ name: 'http', containerPort }] }),
    );
  }
  await estate.serve('web', { on: LB, ports: [{ port: 80, targetPort: 'http' }] });
  await estate.untilReady('web', 2);
  const ports = estate.account.targetsOn(LB, 80).map(({ podName, port }) => [podName, port]);
  expect(ports.toSorted()).toEqual([
    ['new', 8080],
    ['old', 80],
  ]);
  expect(await estate.end()).toEqual(UNHARMED);
});

describe('lb-rs-weight', () => {
  const weightsOf = (estate: Estate) =>
    Object.fromEntries(estate.account.targetsOn(LB, 80).map(({ podName, weight }) => [podName, weight]));

  function said(weight: number): string {
    const sets = [{ name: 'web-set', weights: [{ weight, podIndexes: [0] }] }];
    return JSON.stringify({ defaultWeight: 20, groups: [{ key: { proto: 'TCP', port: 80 }, statefulSets: sets }] });
  }

  async function withSet(seed: number, annotations: Record<string, string>): Promise<Estate> {
    const estate = await Estate.make({ seed });
    estate.account.addLoadBalancer(LB);
    for (const name of ['web-set-0', 'web-set-1', 'web-set-2']) {
      const own = name === 'web-set-2' ? { 'service.cloud.tencent.com/custom-weight': '3' } : {};
      await estate.world.create('/api/v1/namespaces/default/pods', pod(name, {}, own));
    }
    await estate.serve('web', { on: LB, annotations });
    await estate.untilReady('web', 3);
    return estate;
  }

  test("gives Pods of a StatefulSet their weights by ordinal, and lets a Pod's own go before", async () => {
    const estate = await withSet(4, { [WEIGHTS]: said(5) });
    expect(weightsOf(estate)).toEqual({ 'web-set-0': 5, 'web-set-1': 20, 'web-set-2': 3 });
    await estate.annotate('web', { [WEIGHTS]: null });
    await estate.until('they are as without it', () => weightsOf(estate)['web-set-0'] === 10);
    expect(weightsOf(estate)).toEqual({ 'web-set-0': 10, 'web-set-1': 10, 'web-set-2': 3 });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('takes one Pod out before it is deleted by hand, with nobody lost', async () => {
    const estate = await withSet(5, {});
    await estate.load('web');
    await estate.annotate('web', { [WEIGHTS]: said(0) });
    await estate.until('it is out', () => weightsOf(estate)['web-set-0'] === 0);
    await estate.passes(30_000);
    await estate.deletePod('web-set-0');
    await estate.until('it is gone', () => !('web-set-0' in weightsOf(estate)));
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each(['{', '{"groups":[{"key":{}}],"defaultWeight":101}', '{"groups":[{"statefulSets":[]}]}'])(
    'of "%s" is told, and counts as not set',
    async slip => {
      const estate = await withSet(6, { [WEIGHTS]: slip });
      expect(weightsOf(estate)).toEqual({ 'web-set-0': 10, 'web-set-1': 10, 'web-set-2': 3 });
      expect((await estate.eventsOf('web'))[0]?.message).toMatch(/^CD1001.*default\/web.*lb-rs-weight/);
      expect(await estate.end()).toEqual(UNHARMED);
    },
  );
});

/** As a StatefulSet makes one. */
function pod(name: string, container: object, annotations: Record<string, string> = {}): object {
  const eni = { 'tke.cloud.tencent.com/eni-ip': '1' };
  return {
    metadata: {
      name,
      labels: { app: 'web' },
      annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni', ...annotations },
    },
    spec: {
      containers: [{ name: 'main', image: 'nginx', resources: { requests: eni, limits: eni }, ...container }],
    },
  };
}

describe('specify-protocol with a certificate or hosts', () => {
  const secret = (name: string, id: string) => ({
    metadata: { name },
    type: 'Opaque',
    data: { qcloud_cert_id: Buffer.from(id).toString('base64') },
  });

  async function withSecret(seed: number): Promise<Estate> {
    const estate = await withWeb(seed);
    await estate.world.create('/api/v1/namespaces/default/secrets', secret('tls-a', 'cert-a'));
    return estate;
  }

  function said(port: object): Record<string, string> {
    return { [SPECIFY]: JSON.stringify({ 443: port }) };
  }

  test('makes a TCP_SSL listener with the certificate of the Secret', async () => {
    const estate = await withSecret(7);
    const annotations = said({ protocol: ['TCP_SSL', 'UDP'], tls: 'tls-a' });
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['TCP_SSL:443', 'UDP:443']);
    const [listener] = estate.account.listenersOf(LB).filter(({ protocol }) => protocol === 'TCP_SSL');
    const settings = estate.account.settingsOf(LB, listener?.id ?? '');
    expect(settings).toMatchObject({ Certificate: { CertId: 'cert-a' } });
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('makes a rule of HTTP for each host', async () => {
    const estate = await withSecret(8);
    const annotations = said({ protocol: ['HTTP'], hosts: { 'a.com': {}, 'b.com': {} } });
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['HTTP:443']);
    expect(rulesOf(estate)).toEqual(['a.com/', 'b.com/']);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('makes a rule of HTTPS for each host, with the certificate of its own Secret', async () => {
    const estate = await withSecret(9);
    await estate.world.create('/api/v1/namespaces/default/secrets', secret('tls-b', 'cert-b'));
    const hosts = { 'a.com': { tls: 'tls-a' }, 'b.com': { tls: 'tls-b' } };
    await estate.serve('web', { on: LB, annotations: said({ protocol: ['HTTPS'], hosts }), ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['HTTPS:443']);
    expect(rulesOf(estate)).toEqual(['a.com/', 'b.com/']);
    expect(JSON.stringify(described(estate))).toMatch(/cert-a.*cert-b/);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('replaces the listener of a port whose protocol becomes another, and keeps it while its leader dies', async () => {
    const estate = await withSecret(13);
    await estate.serve('web', { on: LB, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['TCP:443']);
    await estate.annotate('web', said({ protocol: ['TCP_SSL'], tls: 'tls-a' }));
    await estate.until('it is served with the certificate', () => {
      return listeners(estate).join() === 'TCP_SSL:443' && bound(estate) === 2;
    });
    await estate.passes(30_000);
    const at = estate.world.clock.wallNow();
    estate.killLeader();
    await estate.passes(2 * MINUTE_MS);
    const changes = estate.world.journal.filter(record => record.kind === 'change' && record.at > at);
    expect(changes).toEqual([]);
    await estate.annotate('web', { [SPECIFY]: null });
    await estate.until('it is served in plain text', () => listeners(estate).join() === 'TCP:443');
    await estate.roll('web');
    expect(bound(estate)).toBe(2);
    await estate.world.close();
  });

  test('waits for a Secret that is not there, tells of it, and never serves in plain text meanwhile', async () => {
    const estate = await withWeb(10);
    const annotations = said({ protocol: ['TCP_SSL'], tls: 'tls-a' });
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 80 }, { port: 443 }] });
    await estate.untilReady('web', 2);
    expect(listeners(estate)).toEqual(['TCP:80']);
    const [event] = await estate.eventsOf('web');
    expect(event?.message).toMatch(/^CD1031.*default\/web: port 443.*"tls-a"/);
    await estate.world.create('/api/v1/namespaces/default/secrets', secret('tls-a', 'cert-a'));
    await estate.until('it is served', () => listeners(estate).includes('TCP_SSL:443'));
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('sessionAffinity', () => {
  test.each([
    [undefined, 3600],
    [600, 600],
    [5, 30],
  ])('of ClientIP for %s s makes sessions of %i s', async (timeoutSeconds, sessionSeconds) => {
    const estate = await withWeb(11);
    await estate.serve('web', { on: LB });
    const sessionAffinityConfig = { clientIP: { timeoutSeconds } };
    await estate.patchService('web', { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig } });
    await estate.untilReady('web', 2);
    await estate.until('it has them', () => sessionsOf(estate) === sessionSeconds);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('that is not asked for leaves sessions as they are', async () => {
    const estate = await withWeb(12);
    await estate.serve('web', { on: LB });
    await estate.untilReady('web', 2);
    expect(sessionsOf(estate)).toBe(0);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

interface Described {
  readonly SessionExpireTime?: number;
  readonly Rules?: readonly { readonly Domain: string; readonly Url: string }[];
}

/** Targets of the only TCP listener, be it encrypted or not. */
function bound(estate: Estate): number {
  const { Listeners } = estate.world.clb.elsewhere.writeAtOnce('DescribeTargets', { LoadBalancerId: LB });
  return (Listeners as { Targets: unknown[] }[]).flatMap(({ Targets }) => Targets).length;
}

/** The first listener as DescribeListeners tells it. */
function described(estate: Estate): Described {
  const [listener] = estate.account.listenersOf(LB);
  return estate.account.settingsOf(LB, listener?.id ?? '') as Described;
}

function rulesOf(estate: Estate): readonly string[] {
  return (described(estate).Rules ?? []).map(({ Domain, Url }) => `${Domain}${Url}`).toSorted();
}

function sessionsOf(estate: Estate): number | undefined {
  return described(estate).SessionExpireTime;
}
