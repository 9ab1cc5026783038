import { isObject, optionalString, type Reply, stringList } from './reply-fields.ts';
import type { CertificateSettings, ForwardingSettings, HealthCheckSettings, ListenerSettings } from './settings.ts';
import type { ForwardingRule } from './types.ts';

/** Settings as CLB tells them. What it leaves out, or tells in words that are not ours, is left out. */

export function listenerSettings(reply: Reply): ListenerSettings {
  return present<ListenerSettings>({
    healthCheck: healthCheck(reply.HealthCheck),
    sessionSeconds: wholeNumber(reply.SessionExpireTime),
    scheduler: oneOf(reply.Scheduler, ['WRR', 'LEAST_CONN', 'IP_HASH'] as const),
    certificate: certificate(reply.Certificate),
    deregisterTargetRst: truth(reply.DeregisterTargetRst),
    isSni: truth(reply.SniSwitch),
    keepalive: truth(reply.KeepaliveEnable),
    snat: snat(reply),
  });
}

export function forwardingSettings(reply: Reply): ForwardingSettings {
  return present<ForwardingSettings>({
    healthCheck: healthCheck(reply.HealthCheck),
    sessionSeconds: wholeNumber(reply.SessionExpireTime),
    scheduler: oneOf(reply.Scheduler, ['WRR', 'LEAST_CONN', 'IP_HASH'] as const),
    forwardType: oneOf(reply.ForwardType, ['HTTP', 'HTTPS', 'GRPC', 'GRPCS'] as const),
    certificate: certificate(reply.Certificate),
    http2: truth(reply.Http2),
    isDefaultDomain: truth(reply.DefaultServer),
  });
}

export function redirectTarget(reply: Reply): Pick<ForwardingRule, 'redirectsTo'> {
  const { RewriteTarget: target } = reply;
  if (!isObject(target)) return {};
  const listenerId = optionalString(target, 'TargetListenerId');
  const locationId = optionalString(target, 'TargetLocationId');
  const code = wholeNumber(target.RewriteCode);
  if (listenerId === '' || locationId === '') return {};
  return { redirectsTo: { listenerId, locationId, ...(code !== undefined && { code }) } };
}

/** CLB tells it by one flag among others, so that its absence says that it is off where there are flags at all. */
function snat(reply: Reply): boolean | undefined {
  return Array.isArray(reply.AttrFlags) ? stringList(reply, 'AttrFlags').includes('SnatEnable') : undefined;
}

function healthCheck(value: unknown): HealthCheckSettings | undefined {
  if (!isObject(value)) return undefined;
  return present<HealthCheckSettings>({
    enabled: truth(value.HealthSwitch),
    timeoutSeconds: wholeNumber(value.TimeOut),
    intervalSeconds: wholeNumber(value.IntervalTime),
    healthyThreshold: wholeNumber(value.HealthNum),
    unhealthyThreshold: wholeNumber(value.UnHealthNum),
    checkType: oneOf(value.CheckType, ['TCP', 'HTTP', 'HTTPS', 'GRPC', 'PING', 'CUSTOM'] as const),
    // Without one it is the target's own, which is asked for as -1.
    checkPort: wholeNumber(value.CheckPort) || -1,
    sourceIpType: value.SourceIpType === 0 || value.SourceIpType === 1 ? value.SourceIpType : undefined,
    httpCode: wholeNumber(value.HttpCode),
    httpPath: textOf(value.HttpCheckPath),
    httpDomain: textOf(value.HttpCheckDomain),
    httpMethod: oneOf(value.HttpCheckMethod, ['HEAD', 'GET'] as const),
  });
}

function certificate(value: unknown): CertificateSettings | undefined {
  if (!isObject(value)) return undefined;
  const certificateIds = [optionalString(value, 'CertId'), ...stringList(value, 'ExtCertIds')].filter(id => id !== '');
  if (certificateIds.length === 0) return undefined;
  const authorityId = optionalString(value, 'CertCaId');
  const isMutual = value.SSLMode === 'MUTUAL' && authorityId !== '';
  return { certificateIds, ...(isMutual && { authorityId }) };
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A switch that CLB writes as a boolean or as 0 and 1. */
function truth(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : value === 0 || value === 1 ? value === 1 : undefined;
}

function oneOf<const T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find(candidate => candidate === value);
}

/** Without the fields that are undefined. */
function present<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
