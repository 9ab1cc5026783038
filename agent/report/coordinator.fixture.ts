import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { type ReportRequest, type ReportResponse, ReportServiceService } from '../../proto/gen/clbdirect/v1/report.ts';
import { COORDINATOR_SERVER_NAME } from './grpc-connector.ts';

export type Call = ServerDuplexStream<ReportRequest, ReportResponse>;

export interface TestCoordinator {
  readonly port: number;
  readonly calls: { readonly call: Call; readonly metadata: Metadata; readonly requests: ReportRequest[] }[];
  stop(): void;
}

export const WELCOME: ReportResponse = {
  message: {
    $case: 'welcome',
    value: {
      coordinator: 'c-0',
      incarnation: 'i',
      podUid: 'coordinator-uid',
      leadership: { leading: true, term: 1 },
      heartbeatIntervalMs: 1_000,
      observes: false,
    },
  },
};
export const ACK: ReportResponse = { message: { $case: 'ack', value: { sequence: 0 } } };

/** A gRPC server on loopback whose certificate an agent takes by `folder`'s ca.crt. */
export async function startCoordinator({
  folder,
  name = COORDINATOR_SERVER_NAME,
  onCall,
}: {
  readonly folder: string;
  readonly name?: string;
  readonly onCall: (call: Call) => void;
}): Promise<TestCoordinator> {
  const { certificate, privateKey } = await makeCertificate(name);
  await writeFile(join(folder, 'ca.crt'), certificate);
  const calls: TestCoordinator['calls'] = [];
  const report = (call: Call) => {
    const requests: ReportRequest[] = [];
    calls.push({ call, metadata: call.metadata, requests });
    call.on('error', () => {});
    call.on('data', request => requests.push(request));
    onCall(call);
  };
  const server = new Server();
  server.addService(ReportServiceService, { report });
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) },
  ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, calls, stop: () => server.forceShutdown() };
}

/** Self-signed, and valid whenever the test runs; both in PEM. */
export async function makeCertificate(name: string): Promise<{ certificate: string; privateKey: string }> {
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
