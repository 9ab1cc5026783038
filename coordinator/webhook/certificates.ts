import type { Clock } from '../../common/clock.ts';
import type { ConfigMap, Secret } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import {
  bundleFromSecret,
  type CertificateBundle,
  type CertificateIssuer,
  CONFIG_MAP_NAME,
  SECRET_NAME,
  secretData,
  servingNames,
  type Validity,
} from './certificate-bundle.ts';
import { readObject, writeObject } from './kube-object.ts';
import { runPeriodically } from './periodic-task.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
const SERVING_LIFE_MS = 90 * DAY_MS;
/** Certificates are valid a little before they are made, for clients whose clocks are late. */
const CLOCK_SKEW_MS = 3_600_000;
/** Each round either finds good certificates or lost a race for writing them. */
const ROUNDS_MAX = 5;
const CHECK_INTERVAL_MS = 60_000;
const CHECK_TIMEOUT_MS = 15_000;
const LABELS = { 'app.kubernetes.io/name': 'clb-direct', 'app.kubernetes.io/managed-by': 'clb-direct' };

export interface CertificatesOptions {
  readonly transport: KubeTransport;
  readonly issuer: CertificateIssuer;
  /** The coordinator's own. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One CA and one serving certificate for all replicas: read from the Secret, or made by whoever comes first, and made
 * anew when they cannot be read or less than a third of their life is left. The CA goes into the ConfigMap for agents.
 * @throws KubeResponseError, KubeConnectionError, or Error when other writers won every round.
 */
export async function ensureCertificates(
  options: CertificatesOptions,
  signal: AbortSignal,
): Promise<CertificateBundle> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const bundle = await readOrWrite(options, signal);
    if (!bundle) continue;
    await publishAuthority(options, bundle.caPem, signal);
    return bundle;
  }
  const secret = `${options.namespace}/${SECRET_NAME}`;
  throw new Error(`Secret ${secret} was changed by others in each of ${ROUNDS_MAX} rounds; look who writes it`);
}

/**
 * Ensures them every minute until the signal aborts; `onCertificates` hears of the first and of each other bundle.
 * Never throws.
 */
export function keepCertificates(
  options: CertificatesOptions & { random: Random; onCertificates: (bundle: CertificateBundle) => void },
  signal: AbortSignal,
): Promise<void> {
  let last: CertificateBundle | undefined;
  const run = async (limit: AbortSignal) => {
    const bundle = await ensureCertificates(options, limit);
    if (last && bundle.certificatePem === last.certificatePem && bundle.caPem === last.caPem) return;
    last = bundle;
    options.onCertificates(bundle);
  };
  const task = { name: 'serving certificate', intervalMs: CHECK_INTERVAL_MS, timeoutMs: CHECK_TIMEOUT_MS, run };
  return runPeriodically({ ...options, ...task }, signal);
}

/** Undefined when another writer was faster. */
async function readOrWrite(options: CertificatesOptions, signal: AbortSignal): Promise<CertificateBundle | undefined> {
  const collection = `/api/v1/namespaces/${options.namespace}/secrets`;
  const found = await readObject<Secret>(options.transport, `${collection}/${SECRET_NAME}`, signal);
  const current = found && bundleFromSecret(found);
  const bundle = await renewed(options, current);
  if (bundle === current) return current;
  const metadata = { name: SECRET_NAME, namespace: options.namespace, labels: LABELS, ...found?.metadata };
  const body: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    type: found?.type ?? 'kubernetes.io/tls',
    data: { ...found?.data, ...secretData(bundle) },
  };
  if (!(await writeObject(options.transport, collection, body, signal))) return undefined;
  options.logger.info('certificates written', { secret: SECRET_NAME, replaced: found !== undefined });
  return bundle;
}

/** `current` itself if it is good for a while yet. */
async function renewed(
  { issuer, clock, namespace }: CertificatesOptions,
  current: CertificateBundle | undefined,
): Promise<CertificateBundle> {
  const names = servingNames(namespace);
  const nowMs = clock.wallNow();
  const validity = current && issuer.inspect(current, names);
  if (current && validity && isFresh(validity.authority, nowMs)) {
    if (isFresh(validity.serving, nowMs)) return current;
    const authority = { certificatePem: current.caPem, privateKeyPem: current.caKeyPem };
    return { ...current, ...(await issuer.issueServing(authority, names, lifeFrom(nowMs, SERVING_LIFE_MS))) };
  }
  const authority = await issuer.issueAuthority(lifeFrom(nowMs, AUTHORITY_LIFE_MS));
  const serving = await issuer.issueServing(authority, names, lifeFrom(nowMs, SERVING_LIFE_MS));
  const replaced = current && validity ? firstCertificate(current.caPem) : '';
  const caPem = `${authority.certificatePem.trimEnd()}\n${replaced}`;
  return { ...serving, caPem, caKeyPem: authority.privateKeyPem };
}

async function publishAuthority(options: CertificatesOptions, caPem: string, signal: AbortSignal): Promise<void> {
  const collection = `/api/v1/namespaces/${options.namespace}/configmaps`;
  const found = await readObject<ConfigMap>(options.transport, `${collection}/${CONFIG_MAP_NAME}`, signal);
  if (found?.data?.['ca.crt'] === caPem) return;
  const metadata = { name: CONFIG_MAP_NAME, namespace: options.namespace, labels: LABELS, ...found?.metadata };
  const data = { ...found?.data, 'ca.crt': caPem };
  const body: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  // Whoever wrote at the same moment wrote the same CA, or the next check mends it.
  await writeObject(options.transport, collection, body, signal);
}

function firstCertificate(pem: string): string {
  return `${pem.split('-----END CERTIFICATE-----')[0]}-----END CERTIFICATE-----\n`;
}

function isFresh({ notBeforeMs, notAfterMs }: Validity, nowMs: number): boolean {
  return nowMs >= notBeforeMs && notAfterMs - nowMs >= (notAfterMs - notBeforeMs) / 3;
}

function lifeFrom(nowMs: number, lifeMs: number): Validity {
  return { notBeforeMs: nowMs - CLOCK_SKEW_MS, notAfterMs: nowMs + lifeMs };
}
