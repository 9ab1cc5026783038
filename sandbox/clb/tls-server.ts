import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { CertificateStore } from './certificate-store.ts';
import type { Endpoint } from './forwarder.ts';
import type { Forwarding } from './forwarding.ts';

export interface TlsOptions {
  readonly clock: Clock;
  readonly forwarding: Forwarding;
  readonly certificates: CertificateStore;
}

const HANDSHAKE_TIMEOUT_MS = 60_000;

/**
 * Takes TLS connections for an endpoint and hands on those whose handshake succeeds. The certificate is looked up for each
 * connection, so that a change of listener or rules is seen by the next one; a name that has none gets no connection.
 */
export function createTlsServer(
  options: TlsOptions,
  endpoint: Endpoint,
  onSecure: (client: TLSSocket, raw: Socket) => void,
): Server {
  return createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, raw => {
    raw.on('error', () => raw.destroy());
    secured(options, endpoint, raw).then(
      client => onSecure(client, raw),
      () => raw.destroy(),
    );
  });
}

async function secured(options: TlsOptions, endpoint: Endpoint, raw: Socket): Promise<TLSSocket> {
  const nameless = await contextOf(options, endpoint, '');
  const client = new TLSSocket(raw, {
    isServer: true,
    ...(nameless && { secureContext: nameless }),
    SNICallback(name, done) {
      contextOf(options, endpoint, name).then(
        context => (context ? done(null, context) : done(new Error(`no certificate for ${name}`))),
        done,
      );
    },
  });
  client.on('error', () => client.destroy());
  using limit = deadline(options.clock, 'the TLS handshake', HANDSHAKE_TIMEOUT_MS, new AbortController().signal);
  await once(client, 'secure', { signal: limit.signal });
  return client;
}

async function contextOf(
  { forwarding, certificates }: TlsOptions,
  endpoint: Endpoint,
  serverName: string,
): Promise<SecureContext | undefined> {
  const shown = forwarding.certificate(endpoint, serverName);
  if (!shown) return undefined;
  const { certificatePem, privateKeyPem } = await certificates.of(shown.ids[0]);
  return createSecureContext({ cert: certificatePem, key: privateKeyPem });
}
