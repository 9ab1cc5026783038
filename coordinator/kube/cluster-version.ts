import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';

/** Tokens name the node of their Pod since then, without which no agent can prove where it is. As in the chart. */
const OLDEST = { major: 1, minor: 30 };
const TIMEOUT_MS = 5_000;

/** The cluster is too old; the message says what is needed. */
export class UnsupportedClusterError extends Error {
  override readonly name = 'UnsupportedClusterError';
}

/**
 * Logs the version of the API server. What cannot be found out now is no reason not to start.
 * @throws UnsupportedClusterError
 */
export async function checkClusterVersion(edges: {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<void> {
  const { transport, clock, logger } = edges;
  using limit = deadline(clock, 'GET /version', TIMEOUT_MS);
  const asked = transport.request({ method: 'GET', path: '/version' }, limit.signal);
  const answer = await asked.catch((error: unknown) => ({ status: 0, body: { error } }));
  const { major = '', minor = '', gitVersion = '' } = (answer.body ?? {}) as Readonly<Record<string, string>>;
  // Vendors write "30+".
  const version = { major: Number.parseInt(major, 10), minor: Number.parseInt(minor, 10) };
  if (answer.status !== 200 || Number.isNaN(version.major) || Number.isNaN(version.minor)) {
    logger.warn('the version of the cluster could not be read', { status: answer.status });
    return;
  }
  logger.info('the cluster', { version: gitVersion });
  if (version.major > OLDEST.major || version.minor >= OLDEST.minor) return;
  throw new UnsupportedClusterError(
    `this cluster is Kubernetes ${gitVersion || `${major}.${minor}`}, and ${OLDEST.major}.${OLDEST.minor} or later is needed: ` +
      'in older ones tokens do not name the node of their Pod, so that no agent is believed; upgrade the cluster',
  );
}
