import { afterEach, beforeEach, expect, test } from 'vitest';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import type { KubeResponse } from '../../common/kube/transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { SecretReader } from './secret-reader.ts';

const SECRET = { namespace: 'shop', name: 'certificate' };
const FAILURE: KubeResponse = { status: 500, body: { kind: 'Status', status: 'Failure' } };
const ABSENT: KubeResponse = { status: 404, body: { kind: 'Status', status: 'Failure' } };

let clock: VirtualClock;
let answer: KubeResponse;
let transport: ScriptedTransport;
let looks: unknown[];
let reader: SecretReader;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => answer);
  looks = [];
  reader = new SecretReader({
    transport,
    clock,
    random: seededRandom(1),
    onSecret: (secret, look) => looks.push([secret, look]),
    onError: () => undefined,
  });
  abort = new AbortController();
  running = reader.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

function secret(data: Readonly<Record<string, string>>): KubeResponse {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { status: 200, body: { metadata: { name: 'certificate' }, data: Object.fromEntries(encoded) } };
}

test('a Secret is read by its name alone, and only the ids are told', async () => {
  answer = secret({ qcloud_cert_id: 'cert-a\n', qcloud_ca_cert_id: 'ca-a', 'tls.key': 'private' });
  reader.ask(SECRET);
  await clock.advance(0);
  expect(transport.requests).toEqual([{ method: 'GET', path: '/api/v1/namespaces/shop/secrets/certificate' }]);
  expect(looks).toEqual([[SECRET, { kind: 'found', certificateId: 'cert-a', authorityId: 'ca-a' }]]);
});

test('one that may not be read is told so', async () => {
  answer = { ...FAILURE, status: 403 };
  reader.ask(SECRET);
  await clock.advance(0);
  expect(looks).toEqual([[SECRET, { kind: 'forbidden' }]]);
});

test('one that is not there is told so, and one that cannot be read is asked for again', async () => {
  answer = ABSENT;
  reader.ask(SECRET);
  await clock.advance(0);
  expect(looks).toEqual([[SECRET, { kind: 'absent' }]]);
  answer = FAILURE;
  reader.ask(SECRET);
  await clock.advance(0);
  expect(looks).toHaveLength(1);
  answer = secret({});
  await clock.advance(60_000);
  expect(looks[1]).toEqual([SECRET, { kind: 'found', certificateId: '', authorityId: '' }]);
});
