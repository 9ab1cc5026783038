import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type ChannelCredentials, type ChannelOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { abortable } from '../../common/abortable.ts';
import { type AgentChannel, ReportChannelError, type ReportConnector } from '../../common/report-transport.ts';
import { ReportServiceClient } from '../../proto/gen/clbdirect/v1/report.ts';
import { channelError, GrpcAgentChannel } from './grpc-agent-channel.ts';

export interface GrpcConnectorOptions {
  /** A name, looked up for all its addresses, or an address. */
  readonly host: string;
  readonly port: number;
  /** PEM; read again at each connect. */
  readonly certificateAuthorityFile: string;
  /** The projected ServiceAccount token; read again at each connect. */
  readonly tokenFile: string;
}

/** The name in the coordinator's certificate, whatever address it has. */
export const COORDINATOR_SERVER_NAME = 'clb-direct-coordinator';
/** Messages are small; a larger one is not ours. */
const RECEIVE_BYTES_MAX = 1024 * 1024;
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.ssl_target_name_override': COORDINATOR_SERVER_NAME,
  'grpc.default_authority': COORDINATOR_SERVER_NAME,
  // A dead peer is noticed within their sum; without them a frozen one is not noticed at all.
  'grpc.keepalive_time_ms': 3_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // A proxy in the environment is for the outer world.
  'grpc.enable_http_proxy': 0,
  // Retrying buffers what was written, which is without bound on a stream that never ends.
  'grpc.enable_retries': 0,
  // A new connect must not wait for the back-off of the last one's connection.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
};

/**
 * Report streams over grpc-js and TLS. `connect` does not wait for the connection: a refusal, by the network or of the
 * token, comes out of the channel's `received`, where grpc-js tells its cause.
 */
export function grpcReportConnector(options: GrpcConnectorOptions): ReportConnector {
  return {
    resolve: signal => resolveAddresses(options, signal),
    connect: (address, signal) => connect(options, address, signal),
  };
}

async function resolveAddresses({ host, port }: GrpcConnectorOptions, signal: AbortSignal): Promise<string[]> {
  if (isIP(host)) return [withPort(host, port)];
  try {
    const found = await abortable(lookup(host, { all: true }), signal);
    return found.map(({ address }) => withPort(address, port));
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new ReportChannelError('unavailable', `the coordinator's name ${host} has no address: ${cause}`, { cause });
  }
}

function withPort(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

async function connect(options: GrpcConnectorOptions, address: string, signal: AbortSignal): Promise<AgentChannel> {
  const { call, release } = await openCall(options, address, signal);
  return new GrpcAgentChannel(call, release);
}

/**
 * Opens a stream and ends it without a word. Resolves when the coordinator took the token.
 * @throws ReportChannelError with what was in the way, and the signal's reason when it aborts.
 */
export async function tryCoordinator(
  options: GrpcConnectorOptions,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const { call, release } = await openCall(options, address, signal);
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      call.on('error', (error: ServiceError) => reject(signal.aborted ? signal.reason : channelError(error)));
      call.on('end', resolve).resume().end();
    });
  } finally {
    signal.removeEventListener('abort', cancel);
    release();
  }
}

async function openCall(options: GrpcConnectorOptions, address: string, signal: AbortSignal) {
  const [channelCredentials, token] = await Promise.all([
    readCredentials(options.certificateAuthorityFile),
    readToken(options.tokenFile),
  ]);
  signal.throwIfAborted();
  const client = new ReportServiceClient(address, channelCredentials, CHANNEL_OPTIONS);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return { call: client.report(metadata), release: () => client.close() };
}

async function readCredentials(path: string): Promise<ChannelCredentials> {
  const authority = await readOwnFile(path, '--coordinator-ca-file');
  return credentials.createSsl(authority);
}

async function readToken(path: string): Promise<string> {
  const token = (await readOwnFile(path, '--token-file')).toString('utf8').trim();
  if (token === '') throw new ReportChannelError('unauthenticated', `token file ${path} (--token-file) is empty`);
  return token;
}

async function readOwnFile(path: string, flag: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ReportChannelError('unauthenticated', `${path} (${flag}) cannot be read: ${cause}`, { cause });
  }
}
