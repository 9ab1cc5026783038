import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentChannel, ReportConnector } from '../../common/report-transport.ts';
import { type ReportRequest, type ReportResponse, ReportServiceService } from '../../proto/gen/clbdirect/v1/report.ts';
import { COORDINATOR_SERVER_NAME, grpcReportConnector } from './grpc-connector.ts';

type Call = ServerDuplexStream<ReportRequest, ReportResponse>;

const HEARTBEAT: ReportRequest = { message: { $case: 'heartbeat', value: {} } };
const ACK: ReportResponse = { message: { $case: 'ack', value: { sequence: 3 } } };
const signal = new AbortController().signal;

let folder: string;
let server: Server;
let port: number;
let calls: { readonly call: Call; readonly metadata: Metadata; readonly requests: ReportRequest[] }[];
let onCall: (call: Call) => void;
let open: AgentChannel[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-grpc-'));
  [calls, open, onCall] = [[], [], () => {}];
  await writeFile(join(folder, 'token'), 'token-1\n');
  await startServer(COORDINATOR_SERVER_NAME);
});
afterEach(async () => {
  for (const channel of open) channel.close();
  server.forceShutdown();
  await rm(folder, { recursive: true });
});

async function startServer(name: string): Promise<void> {
  const { certificate, privateKey } = await makeCertificate(name);
  await writeFile(join(folder, 'ca.crt'), certificate);
  server = new Server();
  server.addService(ReportServiceService, { report: take });
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) },
  ]);
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}

function take(call: Call): void {
  const requests: ReportRequest[] = [];
  calls.push({ call, metadata: call.metadata, requests });
  call.on('error', () => {});
  call.on('data', request => requests.push(request));
  onCall(call);
}

/** Self-signed, and valid whenever the test runs. */
async function makeCertificate(name: string): Promise<{ certificate: string; privateKey: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    signingAlgorithm: algorithm,
    name: `CN=${name}`,
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2100-01-01'),
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    privateKey: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
  };
}

function connector(host = '127.0.0.1'): ReportConnector {
  return grpcReportConnector({
    host,
    port,
    certificateAuthorityFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  });
}

async function connect(address = `127.0.0.1:${port}`): Promise<AgentChannel> {
  const channel = await connector().connect(address, signal);
  open.push(channel);
  return channel;
}

async function firstOf(channel: AgentChannel): Promise<ReportResponse | undefined> {
  for await (const response of channel.received()) return response;
  return undefined;
}

describe('a stream', () => {
  test('carries messages both ways, with the token, to a certificate that does not name the address', async () => {
    onCall = call => call.write(ACK);
    const channel = await connect();
    expect(channel.send(HEARTBEAT)).toBe(true);
    expect(await firstOf(channel)).toEqual(ACK);
    expect(calls[0]?.metadata.get('authorization')).toEqual(['Bearer token-1']);
    await expect.poll(() => calls[0]?.requests).toEqual([HEARTBEAT]);
  });

  test('takes a token that was renewed since the last one', async () => {
    onCall = call => call.write(ACK);
    await firstOf(await connect());
    await writeFile(join(folder, 'token'), 'token-2\n');
    await firstOf(await connect());
    expect(calls.map(({ metadata }) => metadata.get('authorization')[0])).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  test('ends when the coordinator ends it', async () => {
    onCall = call => call.end();
    expect(await firstOf(await connect())).toBeUndefined();
  });

  test('says that its token was not taken', async () => {
    onCall = call => call.emit('error', { code: status.UNAUTHENTICATED, details: 'token has expired' });
    await expect(firstOf(await connect())).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: 'UNAUTHENTICATED: token has expired',
    });
  });

  test('breaks when the coordinator dies, and the process lives on', async () => {
    onCall = call => call.write(ACK);
    const channel = await connect();
    await firstOf(channel);
    server.forceShutdown();
    await expect(firstOf(channel)).rejects.toMatchObject({ name: 'ReportChannelError' });
    expect(channel.send(HEARTBEAT)).toBe(true);
    await channel.writable();
  });

  test('is full when the coordinator does not read, and has room again when it does', async () => {
    onCall = call => call.pause();
    const channel = await connect();
    const big: ReportRequest = {
      message: {
        $case: 'hello',
        value: { nodeName: 'n'.repeat(50_000), epoch: 'e', agentVersion: '', startedAtMs: 1 },
      },
    };
    let sent = 1;
    while (channel.send(big) && sent < 1_000) sent += 1;
    expect(sent).toBeLessThan(1_000);
    const writable = channel.writable();
    await expect.poll(() => calls.length).toBe(1);
    calls[0]?.call.resume();
    await writable;
  });
});

describe('a connection is refused', () => {
  test('by nobody at the address, with the cause', async () => {
    await expect(firstOf(await connect(await freeAddress()))).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('to a certificate of another name', async () => {
    server.forceShutdown();
    await startServer('somebody-else');
    await expect(firstOf(await connect())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(calls).toEqual([]);
  });

  test('without a token, with the file and the flag', async () => {
    await rm(join(folder, 'token'));
    await expect(connect()).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('(--token-file) cannot be read'),
    });
  });
});

describe('the name of the coordinators', () => {
  test('stands for itself when it is an address', async () => {
    expect(await connector('127.0.0.1').resolve(signal)).toEqual([`127.0.0.1:${port}`]);
    expect(await connector('::1').resolve(signal)).toEqual([`[::1]:${port}`]);
  });

  test('is looked up', async () => {
    expect(await connector('localhost').resolve(signal)).toContain(`127.0.0.1:${port}`);
  });

  test('without address is told with its cause', async () => {
    await expect(connector('nobody.invalid').resolve(signal)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining("the coordinator's name nobody.invalid has no address"),
    });
  });
});

/** Of a port that was free a moment ago. */
async function freeAddress(): Promise<string> {
  const probe = createServer();
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise(resolve => probe.close(resolve));
  return `127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`;
}
