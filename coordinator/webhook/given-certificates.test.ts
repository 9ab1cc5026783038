import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import type { ServedCertificate } from './certificate-bundle.ts';
import { GivenCertificates } from './given-certificates.ts';
import { CONFIG_MAP, UpkeepStage } from './upkeep.fixture.ts';
import { Upkeep } from './upkeep.ts';

const SECRETS = '/api/v1/namespaces/clb-direct/secrets';
const LIFE = { notBeforeMs: 0, notAfterMs: 1 };

let stage: UpkeepStage;
let upkeep: Upkeep;
let served: ServedCertificate[];
let stop: AbortController;

beforeEach(async () => {
  stage = await new UpkeepStage().prepare();
  served = [];
  stop = new AbortController();
  const base = { transport: stage.api.transport, namespace: 'clb-direct', clock: stage.api.clock };
  upkeep = new Upkeep({
    ...base,
    names: DEFAULT_INSTANCE,
    source: new GivenCertificates({ ...base, issuer: stage.issuer, secretName: 'mine' }),
    random: seededRandom(1),
    logger: silentLogger,
    instance: 'replica-0',
    webhookParts: 1,
    onWritten: () => {},
  });
});

afterEach(() => stop.abort());

describe('certificates of the user', () => {
  test('are awaited at the start, served, and told to agents with their CA', async () => {
    const obtained = upkeep.obtain(stop.signal);
    await stage.api.clock.advance(10_000);
    const secret = await give('mine');
    expect(await stage.settled(obtained)).toEqual(secret);
    run();
    await stage.api.clock.advance(1_000);
    expect(await stage.read(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': secret.caPem } });
  });

  test('are served anew when somebody renews them, and never written', async () => {
    await give('mine');
    await stage.settled(upkeep.obtain(stop.signal));
    run();
    await stage.api.clock.advance(1_000);
    const renewed = await give('mine');
    await stage.api.clock.advance(1_000);
    expect(served).toEqual([renewed]);
    const given = await stage.read(`${SECRETS}/mine`);
    await stage.api.clock.advance(3_600_000);
    expect(await stage.read(`${SECRETS}/mine`)).toEqual(given);
  });

  test.each([
    ['deleted', () => stage.remove(`${SECRETS}/mine`), 'Secret clb-direct/mine (--tls-secret) does not exist'],
    [
      'made useless',
      () => stage.edit(`${SECRETS}/mine`, { data: { 'tls.crt': 'anVuaw==' } }),
      'Secret clb-direct/mine (--tls-secret) cannot be served: tls.crt holds no certificate',
    ],
  ])('stay served when their Secret is %s, and an Event tells', async (_name, damage, message) => {
    await give('mine');
    await stage.settled(upkeep.obtain(stop.signal));
    run();
    await stage.api.clock.advance(1_000);
    await damage();
    await stage.api.clock.advance(5_000);
    expect(served).toEqual([]);
    expect(await stage.events()).toEqual([expect.stringContaining(`CertificateUnusable: CD3021: ${message}`)]);
  });
});

function run(): void {
  void upkeep.follow(certificate => served.push(certificate), stop.signal);
  void upkeep.lead(stop.signal);
}

async function give(name: string): Promise<ServedCertificate> {
  const authority = await stage.issuer.issueAuthority(LIFE);
  const serving = await stage.issuer.issueServing(authority, [], LIFE);
  const certificate = { ...serving, caPem: authority.certificatePem };
  const data = {
    'tls.crt': btoa(serving.certificatePem),
    'tls.key': btoa(serving.privateKeyPem),
    'ca.crt': btoa(certificate.caPem),
  };
  if (await stage.read(`${SECRETS}/${name}`)) await stage.edit(`${SECRETS}/${name}`, { data });
  else await stage.settled(stage.api.post(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data }));
  return certificate;
}
