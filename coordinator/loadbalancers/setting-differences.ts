import { isDeepStrictEqual } from 'node:util';
import type { CertificateSettings, HealthCheckSettings } from '../cloud/settings.ts';

/** Settings of a listener, a rule or a domain. */
interface Settings {
  readonly healthCheck?: HealthCheckSettings;
  readonly certificate?: CertificateSettings;
}

/**
 * What of the wanted settings has to be sent, given what CLB tells; undefined when nothing has to. What CLB does not tell is
 * not sent, since no read would ever show it, but for certificates: one that is not told is none. Of a health check all
 * that is known goes along, so that it makes no difference whether CLB keeps or resets what a call leaves out.
 */
export function settingDifference<T extends Settings>(wanted: T, told: Partial<T>): Partial<T> | undefined {
  const entries = Object.entries(wanted).flatMap(([name, value]) => differing(name, value, told));
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Partial<T>);
}

function differing(name: string, value: unknown, told: object): [string, unknown][] {
  const has: unknown = told[name as keyof typeof told];
  if (value === undefined) return [];
  if (name === 'certificate') return isSameCertificate(value as CertificateSettings, has) ? [] : [[name, value]];
  if (has === undefined) return [];
  if (name !== 'healthCheck') return value === has ? [] : [[name, value]];
  const check = has as HealthCheckSettings;
  return differs(value as HealthCheckSettings, check) ? [[name, { ...sendable(check), ...(value as object) }]] : [];
}

function differs(wanted: HealthCheckSettings, told: HealthCheckSettings): boolean {
  const names = Object.keys(wanted) as (keyof HealthCheckSettings)[];
  return names.some(name => wanted[name] !== undefined && told[name] !== undefined && wanted[name] !== told[name]);
}

/** Without what CLB tells for "none" and takes for none of the check's kind. */
function sendable({ checkPort, httpDomain, ...rest }: HealthCheckSettings): HealthCheckSettings {
  return { ...rest, ...(checkPort !== undefined && checkPort > 0 && { checkPort }), ...(httpDomain && { httpDomain }) };
}

function isSameCertificate(wanted: CertificateSettings, told: unknown): boolean {
  const has = told as CertificateSettings | undefined;
  if (!has || has.authorityId !== wanted.authorityId) return false;
  return isDeepStrictEqual(has.certificateIds.toSorted(), wanted.certificateIds.toSorted());
}
