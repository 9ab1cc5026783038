import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { factsIn } from './issuer.fixture.ts';
import { CONFIG_MAP, type Loose, SECRET, UpkeepStage, WEBHOOK } from './upkeep.fixture.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const OBJECTS = [SECRET, CONFIG_MAP, WEBHOOK];

let stage: UpkeepStage;

beforeEach(async () => {
  stage = await new UpkeepStage().prepare();
});

afterEach(() => stage.stop());

describe('the first certificates', () => {
  test('are made once, whichever replica comes first, and told to agents and the API server by the leader', async () => {
    const [first, second] = [await stage.start(), await stage.start()];
    expect(second.served).toEqual(first.served);
    expect(await stage.read(CONFIG_MAP)).toBeUndefined();
    second.lead();
    await stage.api.clock.advance(SECOND_MS);
    const caPem = first.served[0]?.caPem ?? '';
    expect(await stage.read(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': caPem } });
    const entry = { clientConfig: { caBundle: btoa(caPem) } };
    expect(await stage.read(WEBHOOK)).toMatchObject({ webhooks: [entry, entry] });
    expect(first.writes).toEqual(['POST /api/v1/namespaces/clb-direct/secrets']);
    expect(second.written).toEqual(['ConfigMap created', 'MutatingWebhookConfiguration created']);
    expect(await stage.events()).toEqual([]);
  });

  test('have one CA when two replicas start at the same instant, each of 50 times', async () => {
    for (let round = 0; round < 50; round += 1) {
      const both = await Promise.all([stage.start(), stage.start()]);
      const authorities = both.map(replica => replica.served[0]?.caPem);
      expect(new Set(authorities).size).toBe(1);
      expect(authorities[0]).toBeDefined();
      stage.stop();
      stage = await new UpkeepStage().prepare();
    }
  });

  test('are taken as they are when the replicas were away until they had run out, and renewed by the leader', async () => {
    const before = await stage.start();
    stage.stop();
    await stage.api.clock.advance(100 * HOUR_MS);
    const replica = await stage.start();
    expect(replica.served).toEqual(before.served);
    replica.lead();
    await stage.api.clock.advance(2 * SECOND_MS);
    const [now] = factsIn(replica.served.at(-1)?.certificatePem ?? '');
    expect(now?.notAfterMs).toBeGreaterThan(stage.api.clock.wallNow());
    expect(await stage.read(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': replica.served.at(-1)?.caPem } });
  });
});

test('a replica that writes nothing serves with certificates of its own until another one has written some', async () => {
  const observer = await stage.start({ writes: false });
  expect(observer.served).toHaveLength(1);
  expect(await stage.read(SECRET)).toBeUndefined();
  const active = await stage.start();
  await stage.api.clock.advance(10 * SECOND_MS);
  expect(observer.served.at(-1)?.caPem).toBe(active.served[0]?.caPem);
  expect(observer.writes).toEqual([]);
});

describe('the leader puts right within two seconds', () => {
  beforeEach(async () => {
    const [leader] = [await stage.start(), await stage.start()];
    leader.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
  });

  test.each(OBJECTS)('%s when it is deleted, as it was before', async path => {
    const before = await stage.read(path);
    await stage.remove(path);
    await stage.api.clock.advance(2 * SECOND_MS);
    expect(contentOf(await stage.read(path))).toEqual(contentOf(before));
    expectOneRepair('restored');
    expect(await stage.events()).toEqual([expect.stringMatching(/^ObjectPutRight: CD3020: .* was deleted/)]);
  });

  test.each([
    ['a part of the Secret', SECRET, { data: { 'tls.key': null } }],
    ['junk in the Secret', SECRET, { data: { 'tls.crt': btoa('junk') } }],
    ['another key in the Secret', SECRET, { data: { 'ca.key': btoa('junk') } }],
    ['the CA of the ConfigMap', CONFIG_MAP, { data: { 'ca.crt': 'junk' } }],
    ['the whole of the ConfigMap', CONFIG_MAP, { data: null }],
    ['the CA bundle of the webhook', WEBHOOK, { webhooks: [{ ...webhookEdit(), clientConfig: { url: 'https://a' } }] }],
    ['the failure policy', WEBHOOK, { webhooks: [{ ...webhookEdit(), failurePolicy: 'Fail' }] }],
    ['the list of webhooks', WEBHOOK, { webhooks: [] }],
    ['one of the webhooks', WEBHOOK, { webhooks: [webhookEdit()] }],
  ])('%s when it is edited', async (_name, path, patch) => {
    const before = await stage.read(path);
    await stage.edit(path, patch);
    await stage.api.clock.advance(2 * SECOND_MS);
    expect(contentOf(await stage.read(path))).toEqual(contentOf(before));
    expectOneRepair('repaired');
    expect(await stage.events()).toEqual([expect.stringMatching(/^ObjectPutRight: CD3020: .* was edited/)]);
  });

  test.each(OBJECTS)('nothing in %s that is not ours: labels, annotations and keys of others stay', async path => {
    const metadata = { labels: { 'helm.sh/chart': 'clb-direct-2' }, annotations: { team: 'net' } };
    await stage.edit(path, { metadata });
    await stage.api.clock.advance(2 * SECOND_MS);
    expect(stage.replicas.flatMap(replica => replica.written)).toHaveLength(2);
    await stage.edit(path, path === WEBHOOK ? { webhooks: [] } : { data: { note: 'bWluZQ==', 'ca.crt': 'anVuaw==' } });
    await stage.api.clock.advance(2 * SECOND_MS);
    const after = await stage.read(path);
    expect(after?.metadata).toMatchObject(metadata);
    if (path !== WEBHOOK) expect(after?.data.note).toBe('bWluZQ==');
    expectOneRepair('repaired');
  });

  function expectOneRepair(outcome: string) {
    const [leader, follower] = stage.replicas;
    expect(leader?.written.filter(line => line.endsWith(outcome))).toHaveLength(1);
    expect(follower?.written).toEqual([]);
  }
});

describe('whatever becomes of its Secret', () => {
  test.each([
    ['deleted', () => stage.remove(SECRET)],
    ['corrupted', () => stage.edit(SECRET, { data: { 'ca.crt': btoa('junk') } })],
  ])('a replica serves on what it has when it is %s, leader or not', async (_name, damage) => {
    const [leader, follower] = [await stage.start(), await stage.start()];
    leader.lead();
    await stage.api.clock.advance(SECOND_MS);
    await damage();
    await stage.api.clock.advance(10 * SECOND_MS);
    expect(leader.served).toHaveLength(1);
    expect(follower.served).toHaveLength(1);
  });

  test('the next leader restores it when it was deleted while nobody led', async () => {
    const [first, second] = [await stage.start(), await stage.start()];
    first.lead();
    await stage.api.clock.advance(SECOND_MS);
    first.resign();
    const before = await stage.read(SECRET);
    for (const path of OBJECTS) await stage.remove(path);
    await stage.api.clock.advance(120 * SECOND_MS);
    expect(await stage.read(SECRET)).toBeUndefined();
    second.lead();
    await stage.api.clock.advance(2 * SECOND_MS);
    for (const path of OBJECTS) expect(await stage.read(path)).toBeDefined();
    expect((await stage.read(SECRET))?.data).toEqual(before?.data);
  });

  test('other certificates that somebody puts there are served by every replica', async () => {
    const [leader, follower] = [await stage.start(), await stage.start()];
    leader.lead();
    const other = await new UpkeepStage().prepare();
    for (let replica = 0; replica < 2; replica += 1) {
      other.issuer.issueAuthority({ notBeforeMs: 0, notAfterMs: 0 });
    }
    const { served } = await other.start();
    await stage.edit(SECRET, { data: (await other.read(SECRET))?.data });
    other.stop();
    await stage.api.clock.advance(2 * SECOND_MS);
    expect(leader.served.at(-1)).toMatchObject({ certificatePem: served[0]?.certificatePem });
    expect(follower.served.at(-1)).toMatchObject({ certificatePem: served[0]?.certificatePem });
    expect(await stage.read(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': served[0]?.caPem } });
  });
});

describe('upkeep', () => {
  test('repairs within a minute and a half when the API server refuses to be watched', async () => {
    const replica = await stage.start();
    replica.isWatchable = false;
    replica.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    await stage.remove(WEBHOOK);
    await stage.api.clock.advance(90 * SECOND_MS);
    expect(await stage.read(WEBHOOK)).toBeDefined();
  });

  test('goes on after a time without an API server', async () => {
    const replica = await stage.start();
    replica.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    replica.isReachable = false;
    await stage.remove(WEBHOOK);
    await stage.api.clock.advance(300 * SECOND_MS);
    replica.isReachable = true;
    await stage.api.clock.advance(60 * SECOND_MS);
    expect(await stage.read(WEBHOOK)).toBeDefined();
  });

  test('answers somebody who undoes every repair ever more rarely', async () => {
    const replica = await stage.start();
    replica.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    const before = replica.writes.length;
    for (let second = 0; second < 600; second += 1) {
      if ((await stage.read(WEBHOOK)) !== undefined) await stage.remove(WEBHOOK);
      await stage.api.clock.advance(SECOND_MS);
    }
    const repairs = replica.writes.length - before;
    expect(repairs).toBeGreaterThan(10);
    expect(repairs).toBeLessThan(200);
  });

  test('empties the registration of a webhook that is not wanted any more, and registers none', async () => {
    const before = await stage.start();
    before.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    expect((await stage.read(WEBHOOK))?.webhooks).toHaveLength(2);
    before.resign();
    const after = await stage.start({ webhookParts: 0 });
    after.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    expect((await stage.read(WEBHOOK))?.webhooks ?? []).toEqual([]);
    const written = after.writes.length;
    await stage.api.clock.advance(HOUR_MS);
    expect(after.writes).toHaveLength(written);
  });

  test('writes nothing in an hour in which nothing happens', async () => {
    const [leader] = [await stage.start(), await stage.start()];
    leader.lead();
    await stage.api.clock.advance(10 * SECOND_MS);
    const before = stage.replicas.flatMap(replica => replica.writes).length;
    await stage.api.clock.advance(HOUR_MS);
    expect(stage.replicas.flatMap(replica => replica.writes)).toHaveLength(before);
  });
});

describe('a rotation', () => {
  test.each([
    ['of one leader', Number.POSITIVE_INFINITY],
    ['of leaders that change every three hours', 3],
  ])(
    '%s lets a CA sign only when agents have been able to read it for an hour, and forgets none too soon',
    async (_name, termHours) => {
      const replicas = [await stage.start(), await stage.start()];
      const history: { readonly ca: string; readonly leaves: string[] }[] = [];
      for (let minute = 0; minute < 180 * 60; minute += 5) {
        if (minute % (termHours * 60) === 0) {
          for (const replica of replicas) replica.resign();
          replicas.reverse()[0]?.lead();
          await stage.api.clock.advance(SECOND_MS);
        }
        await stage.api.clock.advance(300 * SECOND_MS);
        const ca = (await stage.read(CONFIG_MAP))?.data['ca.crt'] ?? '';
        history.push({ ca, leaves: replicas.map(({ served }) => served.at(-1)?.certificatePem ?? '') });
      }
      const [one, other] = replicas.map(({ served }) => served);
      expect(other?.at(-1)).toEqual(one?.at(-1));
      expect(new Set(one?.map(({ caPem }) => factsIn(caPem)[0]?.serial)).size).toBeGreaterThanOrEqual(3);
      expect(new Set(one?.map(({ certificatePem }) => certificatePem)).size).toBeGreaterThan(20);
      for (const [index, { leaves }] of history.entries()) {
        // What an agent may still have: the file as it was up to an hour ago, or as it will be read by a late replica.
        const within = history.slice(Math.max(0, index - 11), index + 12);
        const issuers = leaves.map(leaf => factsIn(leaf)[0]?.issuedBy);
        for (const { ca } of within)
          expect(factsIn(ca).map(({ serial }) => serial)).toEqual(expect.arrayContaining(issuers));
      }
      expect(factsIn(history.at(-1)?.ca ?? '').length).toBeLessThanOrEqual(2);
    },
  );

  test('starts counting anew when what agents read was damaged meanwhile', async () => {
    const replica = await stage.start();
    replica.lead();
    await stage.api.clock.advanceUntil(() => factsIn(replica.served.at(-1)?.caPem ?? '').length === 2, 90 * HOUR_MS);
    const signing = () => factsIn(replica.served.at(-1)?.caPem ?? '')[0]?.serial;
    const before = signing();
    await stage.api.clock.advance(50 * 60 * SECOND_MS);
    await stage.edit(CONFIG_MAP, { data: { 'ca.crt': 'junk' } });
    await stage.api.clock.advance(50 * 60 * SECOND_MS);
    expect(signing()).toBe(before);
    await stage.api.clock.advance(15 * 60 * SECOND_MS);
    expect(signing()).not.toBe(before);
  });
});

function webhookEdit() {
  return {
    name: 'pods.clb-direct.io',
    admissionReviewVersions: ['v1'],
    clientConfig: { url: 'https://a' },
    sideEffects: 'None',
  };
}

/** Without what a new object has anew. */
function contentOf(object: Loose | undefined) {
  if (!object) return undefined;
  const { metadata, ...content } = object;
  return { ...content, labels: metadata.labels };
}
