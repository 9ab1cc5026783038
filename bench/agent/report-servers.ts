import type { Clock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import type { AgentIdentity } from '../../common/report-transport.ts';
import { type GrpcListener, listenForReports } from '../../coordinator/reports/grpc-listener.ts';
import type { ReportEvent } from '../../coordinator/reports/report-event.ts';
import { ReportServer } from '../../coordinator/reports/report-server.ts';
import { servingNames } from '../../coordinator/webhook/certificate-bundle.ts';
import { x509Issuer } from '../../coordinator/webhook/x509-issuer.ts';
import { openTcpRelay, type TcpRelay } from './tcp-relay.ts';

/** What a coordinator heard, and when by the clock of the bench. */
export interface HeardEvent {
  readonly atMs: number;
  readonly event: ReportEvent;
}

/**
 * The report servers of coordinators, which only listen. They share a port on different loopback addresses, as replicas
 * behind one name do, each behind a relay that counts bytes.
 */
export interface ReportServers extends AsyncDisposable {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly certificateAuthorityPem: string;
  /** Of the first one's streams, both directions. */
  bytesOfFirst(): number;
  /** Called for what the first one hears. */
  onHeard: (heard: HeardEvent) => void;
}

const ADDRESSES = ['127.0.0.1', '127.0.0.2'] as const;
const CERTIFICATE_LIFE_MS = 24 * 3_600_000;

/** A token is simply the name of the node for which its agent may speak. */
export async function openReportServers(clock: Clock): Promise<ReportServers> {
  await using parts = new AsyncDisposableStack();
  const { certificateAuthorityPem, certificate } = await issueCertificate(clock);
  const listeners: GrpcListener[] = [];
  const servers = ADDRESSES.map((_, index) => {
    const onEvent = (event: ReportEvent) => {
      if (index === 0) opened.onHeard({ atMs: clock.now(), event });
    };
    const names = { coordinator: `coordinator-${index}`, incarnation: `incarnation-${index}`, podUid: `uid-${index}` };
    return new ReportServer({ ...names, clock, logger: silentLogger, onEvent, onCoordinatorEnded: () => undefined });
  });
  for (const { handle: handler } of servers) {
    const options = { host: '127.0.0.1', port: 0, certificate, identify, handler, clock, logger: silentLogger };
    const listener = await listenForReports(options);
    listeners.push(listener);
    parts.defer(() => listener.stop(0));
  }
  const relays: TcpRelay[] = [];
  for (const [index, host] of ADDRESSES.entries()) {
    const targetPort = listeners[index]?.port ?? 0;
    relays.push(parts.use(await openTcpRelay({ host, port: relays[0]?.port ?? 0, targetPort })));
  }
  const owned = parts.move();
  const opened: ReportServers = {
    addresses: ADDRESSES,
    port: relays[0]?.port ?? 0,
    certificateAuthorityPem,
    bytesOfFirst: () => relays[0]?.bytes() ?? 0,
    onHeard: () => undefined,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  return opened;
}

async function identify(token: string): Promise<AgentIdentity> {
  return { nodeName: token, podName: `agent-${token}`, podUid: `uid-${token}` };
}

async function issueCertificate(clock: Clock) {
  const issuer = x509Issuer();
  const validity = { notBeforeMs: clock.wallNow() - 60_000, notAfterMs: clock.wallNow() + CERTIFICATE_LIFE_MS };
  const authority = await issuer.issueAuthority(validity);
  const certificate = await issuer.issueServing(authority, servingNames('clb-direct'), validity);
  return { certificateAuthorityPem: authority.certificatePem, certificate };
}
