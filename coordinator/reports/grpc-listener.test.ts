import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { type ClientDuplexStream, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { ReportChannelError } from '../../common/report-transport.ts';
import {
  type DrainUpdate,
  type ReportRequest,
  type ReportResponse,
  ReportServiceClient,
} from '../../proto/gen/clbdirect/v1/report.ts';
import { type CertificateBundle, servingNames } from '../webhook/certificate-bundle.ts';
import { x509Issuer } from '../webhook/x509-issuer.ts';
import { type GrpcListener, listenForReports, MESSAGE_BYTES_MAX } from './grpc-listener.ts';
import type { ReportEvent } from './report-event.ts';
import { podRecord } from './report-fixtures.ts';
import { ReportServer } from './report-server.ts';

const clock = systemClock();
let bundle: CertificateBundle;
let nextBundle: CertificateBundle;
let listener: GrpcListener;
let server: ReportServer;
let logger: CollectingLogger;
let turnedAway: string[];
let awaited: { readonly type: ReportEvent['type']; readonly resolve: () => void } | undefined;
let agents: Agent[];

beforeAll(async () => {
  const issuer = x509Issuer();
  const life = { notBeforeMs: clock.wallNow() - 60_000, notAfterMs: clock.wallNow() + 3_600_000 };
  const authority = await issuer.issueAuthority(life);
  const parts = { caPem: authority.certificatePem, caKeyPem: authority.privateKeyPem };
  const names = servingNames('clb-direct');
  bundle = { ...parts, ...(await issuer.issueServing(authority, names, life)) };
  nextBundle = { ...parts, ...(await issuer.issueServing(authority, names, life)) };
});

beforeEach(async () => {
  logger = new CollectingLogger();
  turnedAway = [];
  agents = [];
  server = new ReportServer({
    coordinator: 'coordinator-0',
    incarnation: 'i1',
    podUid: 'coordinator-uid',
    clock,
    logger,
    onCoordinatorEnded: () => undefined,
    onEvent: event => awaited?.type === event.type && awaited.resolve(),
  });
  listener = await listenForReports({
    host: '127.0.0.1',
    port: 0,
    certificate: bundle,
    identify,
    handler: server.handle,
    clock,
    logger,
    onTurnedAway: kind => turnedAway.push(kind),
  });
});

afterEach(async () => {
  for (const agent of agents) agent.client.close();
  await listener.stop(0);
});

describe('the gRPC listener', () => {
  test('carries a session of an agent with a good token', async () => {
    const agent = open('good');
    agent.say({ $case: 'hello', value: { nodeName: 'node1', epoch: 'e1', agentVersion: '0.1.0', startedAtMs: 1 } });
    agent.say({ $case: 'snapshot', value: { sequence: 1, pods: [podRecord('p1')], consistent: true, blind: false } });
    expect(await agent.next()).toMatchObject({ $case: 'welcome', value: { coordinator: 'coordinator-0' } });
    expect(await agent.next()).toEqual({ $case: 'ack', value: { sequence: 1 } });
    expect(server.sessions()).toMatchObject([{ node: 'node1', podCount: 1 }]);
  });

  test.each([
    ['no token', undefined, status.UNAUTHENTICATED, /no usable token.*authorization: Bearer/],
    ['a wrong token', 'Bearer wrong', status.UNAUTHENTICATED, /the token has expired/],
    ['another scheme', 'Basic good', status.UNAUTHENTICATED, /no usable token/],
    ['an endless token', `Bearer ${'x'.repeat(17_000)}`, status.UNAUTHENTICATED, /no usable token/],
    ['a token that cannot be checked now', 'Bearer unchecked', status.UNAVAILABLE, /API server is away/],
  ])('turns away a stream with %s, logged and counted', async (_name, authorization, code, details) => {
    const agent = openWith(authorization);
    expect(await agent.status).toMatchObject({ code, details: expect.stringMatching(details) });
    expect(turnedAway).toEqual([code === status.UNAUTHENTICATED ? 'unauthenticated' : 'unavailable']);
    const [record] = logger.records;
    expect(record).toMatchObject({ level: 'warn', fields: { turnedAwayTotal: 1 } });
    expect(record?.fields.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('passes the reason of a refusal on to the agent', async () => {
    const agent = open('good');
    agent.say({ $case: 'hello', value: { nodeName: 'node2', epoch: 'e1', agentVersion: '0.1.0', startedAtMs: 1 } });
    expect(await agent.status).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringMatching(/names node "node2".*bound to node "node1"/),
    });
    expect(logger.messages('warn')).toEqual(['report stream refused']);
  });

  test('ends a stream that sends more than a message may hold', async () => {
    const agent = await greeted('good');
    const closed = event('closed');
    const pods = [{ ...podRecord('p1'), annotations: { large: 'x'.repeat(MESSAGE_BYTES_MAX) } }];
    agent.say({ $case: 'snapshot', value: { sequence: 1, pods, consistent: true, blind: false } });
    expect(await agent.status).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await closed;
    expect(server.sessions()).toEqual([]);
  });

  test('notices an agent that goes away', async () => {
    const agent = await greeted('good');
    const closed = event('closed');
    agent.stream.cancel();
    await closed;
    expect(server.sessions()).toEqual([]);
  });

  test('notices an agent that says goodbye', async () => {
    const agent = await greeted('good');
    agent.stream.end();
    expect(await agent.status).toMatchObject({ code: status.OK });
    expect(server.sessions()).toEqual([]);
  });

  test('holds back for an agent that does not read, and tells it the latest when it does', async () => {
    const agent = await greeted('good');
    agent.stream.pause();
    const rounds = 2_000;
    for (let round = 1; round <= rounds; round += 1) server.sendDrainUpdate('node1', update('p1', round));
    agent.stream.resume();
    const heard: number[] = [];
    while (heard.at(-1) !== rounds) {
      const message = await agent.next();
      if (message?.$case === 'drainUpdate') heard.push(message.value.settleMs);
    }
    expect(heard.length).toBeLessThan(100);
  });

  test('shows a new certificate to new connections, while open streams go on', async () => {
    const agent = await greeted('good');
    const before = await fingerprint();
    listener.replaceCertificate(nextBundle);
    expect(await fingerprint()).not.toBe(before);
    agent.say({ $case: 'snapshot', value: { sequence: 1, pods: [], consistent: true, blind: false } });
    expect(await agent.next()).toMatchObject({ $case: 'ack' });
    expect((await greeted('other')).client).toBeDefined();
  });

  test('tells its agents that it stops, and stops though a connection stays open', async () => {
    const agent = await greeted('good');
    const stopped = listener.stop(50);
    expect(await agent.status).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringMatching(/shutting/) });
    await stopped;
    expect(await openWith('Bearer good').status).toMatchObject({ code: status.UNAVAILABLE });
  });

  test('says which address it cannot have', async () => {
    const occupied = listenForReports({
      host: '127.0.0.1',
      port: listener.port,
      certificate: bundle,
      identify,
      handler: server.handle,
      clock,
      logger,
    });
    await expect(occupied).rejects.toThrow(`127.0.0.1:${listener.port}`);
  });
});

async function identify(token: string) {
  if (token === 'good') return { nodeName: 'node1', podName: 'agent-a', podUid: 'a1' };
  if (token === 'other') return { nodeName: 'node1', podName: 'agent-b', podUid: 'a2' };
  if (token === 'unchecked') throw new ReportChannelError('unavailable', 'the API server is away');
  throw new ReportChannelError('unauthenticated', 'the token has expired');
}

/** The next event of this type. */
function event(type: ReportEvent['type']): Promise<void> {
  return new Promise(resolve => {
    awaited = { type, resolve };
  });
}

interface Agent {
  readonly client: ReportServiceClient;
  readonly stream: ClientDuplexStream<ReportRequest, ReportResponse>;
  readonly status: Promise<StatusObject>;
  say(message: ReportRequest['message']): void;
  next(): Promise<ReportResponse['message']>;
}

function open(token: string): Agent {
  return openWith(`Bearer ${token}`);
}

function openWith(authorization: string | undefined): Agent {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const client = new ReportServiceClient(
    `127.0.0.1:${listener.port}`,
    credentials.createSsl(Buffer.from(bundle.caPem)),
    {
      'grpc.ssl_target_name_override': 'clb-direct-coordinator',
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_send_message_length': -1,
    },
  );
  const stream = client.report(metadata);
  stream.on('error', () => {});
  const heard: ReportResponse['message'][] = [];
  let wake = () => {};
  stream.on('data', (response: ReportResponse) => {
    heard.push(response.message);
    wake();
  });
  const agent: Agent = {
    client,
    stream,
    status: new Promise(resolve => stream.on('status', resolve)),
    say: message => void stream.write({ message }),
    next: async () => {
      while (heard.length === 0) await new Promise<void>(resolve => (wake = resolve));
      return heard.shift();
    },
  };
  agents.push(agent);
  return agent;
}

async function greeted(token: string): Promise<Agent> {
  const agent = open(token);
  agent.say({ $case: 'hello', value: { nodeName: 'node1', epoch: 'e1', agentVersion: '0.1.0', startedAtMs: 1 } });
  expect(await agent.next()).toMatchObject({ $case: 'welcome' });
  return agent;
}

function update(podUid: string, settleMs: number): DrainUpdate {
  return { podUid, state: 1, targetPorts: [], virtualAddresses: ['10.0.0.1'.repeat(100)], settleMs, paused: false };
}

/** Of the certificate that a new connection is shown. */
async function fingerprint(): Promise<string> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: listener.port,
    ca: bundle.caPem,
    servername: 'clb-direct-coordinator',
    ALPNProtocols: ['h2'],
  });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
