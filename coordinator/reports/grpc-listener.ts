import { experimental, Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { type AgentIdentity, ReportChannelError, type ReportHandler } from '../../common/report-transport.ts';
import { type ReportRequest, type ReportResponse, ReportServiceService } from '../../proto/gen/clbdirect/v1/report.ts';
import type { ServingCertificate } from '../webhook/certificate-bundle.ts';
import { GrpcChannel } from './grpc-channel.ts';
import { type RefusalKind, SessionRefusedError } from './session-refusal.ts';

/** A snapshot of 2,000 Pods at 4 KiB each. */
export const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** A dead peer is noticed within their sum; grpc-js sends no pings unless told to. */
const KEEPALIVE_TIME_MS = 3_000;
const KEEPALIVE_TIMEOUT_MS = 2_000;
/** Streams on one connection; an agent needs one. */
const STREAMS_PER_CONNECTION_MAX = 4;
const TOKEN_LENGTH_MAX = 16_384;
/** After the grace of a stop: time for sockets to close before they are destroyed. */
const CLOSE_MARGIN_MS = 500;

type ReportCall = ServerDuplexStream<ReportRequest, ReportResponse>;
type StreamOutcome = { readonly code: number; readonly details: string };

export interface GrpcListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** @throws ReportChannelError `unauthenticated` or `unavailable`. */
  readonly identify: (token: string, signal: AbortSignal) => Promise<AgentIdentity>;
  readonly handler: ReportHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for every stream that was turned away before it reached the handler. */
  readonly onTurnedAway?: (kind: ReportChannelError['kind']) => void;
}

/**
 * Serves report streams over TLS.
 * @throws Error when the address cannot be bound.
 */
export async function listenForReports(options: GrpcListenerOptions): Promise<GrpcListener> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
  });
  const certificates = new ReplaceableCertificate(options.certificate);
  const credentials = experimental.createCertificateProviderServerCredentials(certificates, null, false);
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const listener = new GrpcListener(server, certificates, options);
  server.addService(ReportServiceService, { report: (call: ReportCall) => void listener.serve(call) });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  listener.bound(`${host}:${port}`, port);
  return listener;
}

/** A running gRPC server; made by `listenForReports`. */
export class GrpcListener {
  readonly #server: Server;
  readonly #certificates: ReplaceableCertificate;
  readonly #options: GrpcListenerOptions;
  /** One for each stream that is being served. */
  readonly #streams = new Set<AbortController>();
  #stopping = false;
  #address = '';
  #port = 0;
  #turnedAwayTotal = 0;

  constructor(server: Server, certificates: ReplaceableCertificate, options: GrpcListenerOptions) {
    this.#server = server;
    this.#certificates = certificates;
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  bound(address: string, port: number): void {
    this.#address = address;
    this.#port = port;
  }

  /** New connections get the new certificate; streams that are open go on. */
  replaceCertificate(certificate: ServingCertificate): void {
    this.#certificates.replace(certificate);
  }

  /**
   * Ends every stream (agents hear UNAVAILABLE and turn to another replica), then the server. Resolves within `graceMs`
   * and half a second, whatever the agents do.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const stream of this.#streams) stream.abort();
    this.#server.drain(this.#address, graceMs);
    await new Promise<void>(resolve => {
      const timer = this.#options.clock.schedule(graceMs + CLOSE_MARGIN_MS, () => {
        this.#server.forceShutdown();
        resolve();
      });
      this.#server.tryShutdown(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** One stream from its metadata to its status; never throws. */
  async serve(call: ReportCall): Promise<void> {
    const stream = new AbortController();
    call.on('cancelled', () => stream.abort());
    this.#streams.add(stream);
    let identity: AgentIdentity | undefined;
    try {
      identity = await this.#options.identify(bearerToken(call), stream.signal);
      if (this.#stopping) throw new ReportChannelError('unavailable', 'the coordinator is shutting down');
      await this.#options.handler(identity, new GrpcChannel(call), stream.signal);
      call.end();
    } catch (error) {
      if (call.cancelled) return;
      this.#log(call, identity, error);
      call.emit('error', outcomeOf(error));
    } finally {
      this.#streams.delete(stream);
    }
  }

  #log(call: ReportCall, identity: AgentIdentity | undefined, error: unknown): void {
    const { logger, onTurnedAway } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const where = { peer: call.getPeer(), node: identity?.nodeName };
    if (!isOperating(error)) {
      logger.error('report stream failed', { ...where, error });
    } else if (identity === undefined && error instanceof ReportChannelError) {
      this.#turnedAwayTotal += 1;
      onTurnedAway?.(error.kind);
      logger.warn('report stream turned away', { ...where, reason, turnedAwayTotal: this.#turnedAwayTotal });
    } else if (error instanceof SessionRefusedError && error.kind !== 'stopping') {
      logger.warn('report stream refused', { ...where, kind: error.kind, reason });
    }
  }
}

/** An in-memory source of the server's certificate; grpc-js puts each new one into the running TLS server. */
class ReplaceableCertificate implements experimental.CertificateProvider {
  readonly #listeners = new Set<experimental.IdentityCertificateUpdateListener>();
  #certificate: ServingCertificate;

  constructor(certificate: ServingCertificate) {
    this.#certificate = certificate;
  }

  replace(certificate: ServingCertificate): void {
    this.#certificate = certificate;
    for (const listener of this.#listeners) this.#tell(listener);
  }

  /** Told in a microtask: grpc-js does not listen to its own credentials yet while it adds the first listener. */
  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#listeners.add(listener);
    queueMicrotask(() => this.#tell(listener));
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#listeners.delete(listener);
  }

  addCaCertificateListener(): void {}

  removeCaCertificateListener(): void {}

  #tell(listener: experimental.IdentityCertificateUpdateListener): void {
    const { certificatePem, privateKeyPem } = this.#certificate;
    listener({ certificate: Buffer.from(certificatePem), privateKey: Buffer.from(privateKeyPem) });
  }
}

function bearerToken(call: ReportCall): string {
  const header = call.metadata.get('authorization')[0];
  const token = typeof header === 'string' ? /^Bearer +(\S+)$/i.exec(header)?.[1] : undefined;
  if (token === undefined || token.length > TOKEN_LENGTH_MAX) {
    const remedy = 'send metadata "authorization: Bearer <ServiceAccount token>" (--token-file of the agent)';
    throw new ReportChannelError('unauthenticated', `the stream carries no usable token; ${remedy}`);
  }
  return token;
}

function isOperating(error: unknown): error is SessionRefusedError | ReportChannelError {
  return error instanceof SessionRefusedError || error instanceof ReportChannelError;
}

function outcomeOf(error: unknown): StreamOutcome {
  if (error instanceof SessionRefusedError) return { code: refusalStatus(error.kind), details: error.message };
  if (!isOperating(error))
    return { code: status.INTERNAL, details: 'the coordinator failed on this stream; see its log' };
  return {
    code: error.kind === 'unauthenticated' ? status.UNAUTHENTICATED : status.UNAVAILABLE,
    details: error.message,
  };
}

function refusalStatus(kind: RefusalKind): number {
  switch (kind) {
    case 'wrong-node':
      return status.PERMISSION_DENIED;
    case 'protocol':
      return status.INVALID_ARGUMENT;
    case 'limit':
      return status.RESOURCE_EXHAUSTED;
    case 'silent':
    case 'superseded':
      return status.ABORTED;
    case 'stopping':
      return status.UNAVAILABLE;
  }
}
