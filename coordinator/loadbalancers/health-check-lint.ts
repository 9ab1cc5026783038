import { Protocol } from '../../common/pod-record.ts';
import type { HealthCheckSettings } from '../cloud/settings.ts';
import { type Rule, ruleLabel } from '../core/rule.ts';
import type { PodProfile, ReadinessProbe } from '../kube/pod-profile.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';

/** A rule as it stands in CLB, and a Pod that it selects. */
export interface CheckedRule {
  readonly rule: Rule;
  /** What CLB tells of its health check. */
  readonly check: HealthCheckSettings;
  readonly profile: PodProfile;
}

/** CLB's own setting: any answer passes. */
const EVERY_STATUS = 31;

type HttpProbe = Extract<ReadinessProbe, { type: 'http' }>;

/**
 * Where CLB's health check and the Pods' readinessProbe would come to different answers about the same Pod: it would be
 * Ready and get no traffic, so that a rollout stands still, or get traffic that it cannot serve.
 */
export function lintHealthCheck({ rule, check, profile }: CheckedRule): readonly Problem[] {
  const { readiness } = profile;
  if (check.enabled === false) return readiness.length === 0 ? [nothingAsks(rule)] : [];
  const targetPort = portBehind(rule, profile);
  const isOfItsOwn = check.checkPort !== undefined && check.checkPort > 0;
  const port = isOfItsOwn ? check.checkPort : targetPort;
  if (port === undefined) return [];
  if (isOfItsOwn && port !== targetPort && !isKnownPort(port, profile)) return [unknownPort(rule, port)];
  const type = checkTypeOf(check, rule);
  const probe = readiness.find((each): each is HttpProbe => each.type === 'http' && each.port === port);
  if (!probe || (type !== 'HTTP' && type !== 'HTTPS')) return [];
  if (type !== probe.scheme) return [otherScheme(rule, type, probe)];
  return [...otherPath(rule, check, probe), ...lessTime(rule, check, probe)];
}

function portBehind({ targetPort }: Rule, { ports }: PodProfile): number | undefined {
  return typeof targetPort === 'number' ? targetPort : ports.find(({ name }) => name === targetPort)?.port;
}

function isKnownPort(port: number, { ports, readiness }: PodProfile): boolean {
  return ports.some(each => each.port === port) || readiness.some(each => each.type !== 'other' && each.port === port);
}

/** What CLB asks with; by default as CLB does it. */
export function checkTypeOf({ checkType }: HealthCheckSettings, { forwarding, protocol }: Rule): string {
  if (checkType !== undefined) return checkType;
  if (forwarding) return 'HTTP';
  return protocol === Protocol.UDP ? 'PING' : 'TCP';
}

/** `2xx or 3xx`: what passes. */
export function passingStatuses({ httpCode = EVERY_STATUS }: HealthCheckSettings): string {
  return [1, 2, 3, 4, 5]
    .filter(hundreds => httpCode & (1 << (hundreds - 1)))
    .map(hundreds => `${hundreds}xx`)
    .join(' or ');
}

function nothingAsks(rule: Rule): Problem {
  return problem(
    'CD1033',
    `${portName(rule)}: CLB's health check is off and the Pods have no readinessProbe, so that a new Pod gets traffic before ` +
      'it can serve. Give the container a readinessProbe, or switch the check on (TkeServiceConfig: healthCheck.enable: true).',
  );
}

function unknownPort(rule: Rule, port: number): Problem {
  return problem(
    'CD1032',
    `${portName(rule)}: CLB's health check asks port ${port}, which the Pods neither declare nor have in a readinessProbe. ` +
      'Correct healthCheck.checkPort in the TkeServiceConfig, or declare the port; -1 asks the port that has the traffic.',
  );
}

function otherScheme(rule: Rule, type: string, probe: HttpProbe): Problem {
  return problem(
    'CD1032',
    `${portName(rule)}: CLB's health check speaks ${type} to port ${probe.port}, the Pods' readinessProbe ${probe.scheme}. ` +
      `Make them agree: healthCheck.checkType: ${rule.forwarding ? probe.scheme : 'TCP'} in the TkeServiceConfig, or the ` +
      'scheme of the readinessProbe.',
  );
}

/** Where every status passes, the path makes no difference. */
function otherPath(
  rule: Rule,
  { httpPath = '/', httpCode = EVERY_STATUS }: HealthCheckSettings,
  probe: HttpProbe,
): Problem[] {
  if (httpCode === EVERY_STATUS || httpPath === probe.path) return [];
  return [
    problem(
      'CD1032',
      `${portName(rule)}: CLB's health check asks for ${httpPath} and does not take every status, the Pods' readinessProbe ` +
        `asks for ${probe.path}. Set healthCheck.httpCheckPath: ${probe.path} in the TkeServiceConfig.`,
    ),
  ];
}

function lessTime(
  rule: Rule,
  { timeoutSeconds = 0, intervalSeconds = 0 }: HealthCheckSettings,
  probe: HttpProbe,
): Problem[] {
  if (timeoutSeconds === 0 || timeoutSeconds >= probe.timeoutSeconds) return [];
  const wanted = probe.timeoutSeconds;
  const interval = Math.max(intervalSeconds, wanted + 1);
  return [
    problem(
      'CD1032',
      `${portName(rule)}: CLB's health check waits ${timeoutSeconds} s for an answer, the Pods' readinessProbe ${wanted} s. Set ` +
        `healthCheck.timeout: ${wanted} and healthCheck.intervalTime: ${interval} in the TkeServiceConfig.`,
    ),
  ];
}

function portName(rule: Rule): string {
  const { forwarding, service } = rule;
  const place = forwarding ? `${forwarding.domain}${forwarding.url} on ` : '';
  return `${ownerName(service)}, ${place}${ruleLabel(rule)}`;
}
