import { ClbError } from './clb-error.ts';
import { integer, object, oneOf, text } from './parameters.ts';
import type { HealthCheckSettings, HttpCheckSettings, LayerSevenProtocol } from './state.ts';

export const healthCheckParameters = object({
  required: {},
  optional: {
    HealthSwitch: integer(0, 1),
    TimeOut: integer(2, 60),
    IntervalTime: integer(2, 300),
    HealthNum: integer(2, 10),
    UnHealthNum: integer(2, 10),
    CheckPort: integer(-1, 65_535),
    CheckType: oneOf('TCP', 'HTTP', 'HTTPS', 'GRPC', 'PING', 'CUSTOM'),
    SourceIpType: integer(0, 1),
    HttpCode: integer(1, 31),
    HttpCheckPath: text({ minLength: 1, maxLength: 200 }),
    HttpCheckDomain: text({ maxLength: 80 }),
    HttpCheckMethod: oneOf('HEAD', 'GET'),
  },
  unmodelled: ['HttpVersion', 'ContextType', 'SendContext', 'RecvContext', 'ExtendedCode'],
});

type HealthCheckParameters = ReturnType<typeof healthCheckParameters>;

const HTTP_PARAMETERS = ['HttpCode', 'HttpCheckPath', 'HttpCheckDomain', 'HttpCheckMethod'] as const;
const EVERY_STATUS = 31;

export const DEFAULT_HEALTH_CHECK: HealthCheckSettings = {
  enabled: true,
  timeoutMs: 2_000,
  intervalMs: 5_000,
  healthyThreshold: 3,
  unhealthyThreshold: 3,
};

/** Asks for `/` of the rule's domain and takes any answer. A wildcard is no domain to ask for. */
export function defaultRuleHealthCheck(domain: string, protocol: LayerSevenProtocol): HealthCheckSettings {
  const asked = domain.includes('*') ? '' : domain;
  const http = { protocol, method: 'HEAD', domain: asked, path: '/', passingStatuses: EVERY_STATUS } as const;
  return { ...DEFAULT_HEALTH_CHECK, http };
}

/**
 * The check of a layer 4 listener: `current` with what `given` says changed.
 * @throws ClbError when the values contradict each other or the protocol.
 */
export function listenerHealthCheck(
  given: HealthCheckParameters,
  current: HealthCheckSettings,
  protocol: 'TCP' | 'UDP' | 'TCP_SSL',
): HealthCheckSettings {
  checkType(given.CheckType, protocol, protocol === 'UDP' ? ['PING', 'CUSTOM'] : ['TCP', 'HTTP', 'CUSTOM']);
  const { checkPort: currentCheckPort, http: currentHttp, ...rest } = current;
  const checkPort = given.CheckPort ?? currentCheckPort;
  const isHttp = given.CheckType === undefined ? currentHttp !== undefined : given.CheckType === 'HTTP';
  return {
    ...timed(given, rest),
    ...(checkPort !== undefined && checkPort > 0 ? { checkPort } : {}),
    ...(isHttp ? { http: listenerHttpCheck(given, currentHttp) } : withoutHttp(given)),
  };
}

function listenerHttpCheck(given: HealthCheckParameters, current: HttpCheckSettings | undefined): HttpCheckSettings {
  const domain = given.HttpCheckDomain ?? current?.domain;
  if (domain) return httpCheck(given, { protocol: 'HTTP', current, domain });
  throw new ClbError('MissingParameter', 'An HTTP check of a TCP listener needs `HealthCheck.HttpCheckDomain`.');
}

function withoutHttp(given: HealthCheckParameters): Record<string, never> {
  const http = HTTP_PARAMETERS.find(name => given[name] !== undefined);
  if (http === undefined) return {};
  throw new ClbError('InvalidParameter', `HealthCheck.${http} needs the CheckType HTTP.`);
}

function httpCheck(
  given: HealthCheckParameters,
  {
    protocol,
    current,
    domain,
  }: Pick<HttpCheckSettings, 'protocol' | 'domain'> & { current: HttpCheckSettings | undefined },
): HttpCheckSettings {
  return {
    protocol,
    method: given.HttpCheckMethod ?? current?.method ?? 'HEAD',
    domain,
    path: given.HttpCheckPath ?? current?.path ?? '/',
    passingStatuses: given.HttpCode ?? current?.passingStatuses ?? EVERY_STATUS,
  };
}

/**
 * The check of a forwarding rule: `current` with what `given` says changed.
 * @throws ClbError when the values contradict each other or the protocol.
 */
export function ruleHealthCheck(
  given: HealthCheckParameters,
  current: HealthCheckSettings,
  forwardProtocol: LayerSevenProtocol,
): HealthCheckSettings {
  checkType(given.CheckType, forwardProtocol, [forwardProtocol, 'HTTP', 'GRPC']);
  if (given.CheckPort !== undefined && given.CheckPort !== -1) {
    throw new ClbError('InvalidParameterValue', 'HealthCheck.CheckPort is for TCP and UDP listeners only.');
  }
  const { http } = current;
  const protocol = given.CheckType === 'HTTP' ? 'HTTP' : (http?.protocol ?? forwardProtocol);
  const domain = given.HttpCheckDomain ?? http?.domain ?? '';
  return { ...timed(given, current), http: httpCheck(given, { protocol, current: http, domain }) };
}

function timed(given: HealthCheckParameters, current: HealthCheckSettings): HealthCheckSettings {
  const settings = {
    ...current,
    enabled: given.HealthSwitch === undefined ? current.enabled : given.HealthSwitch === 1,
    timeoutMs: (given.TimeOut ?? current.timeoutMs / 1_000) * 1_000,
    intervalMs: (given.IntervalTime ?? current.intervalMs / 1_000) * 1_000,
    healthyThreshold: given.HealthNum ?? current.healthyThreshold,
    unhealthyThreshold: given.UnHealthNum ?? current.unhealthyThreshold,
    isFromSharedRange:
      given.SourceIpType === undefined ? (current.isFromSharedRange ?? false) : given.SourceIpType === 1,
  };
  // The documentation says "less than"; 2 s every 2 s is what its own lower limits allow together.
  if (settings.timeoutMs <= settings.intervalMs) return settings;
  throw new ClbError('InvalidParameterValue', 'HealthCheck.TimeOut must not exceed HealthCheck.IntervalTime.');
}

/** The first of `allowed` is modelled, and HTTP. */
function checkType(type: HealthCheckParameters['CheckType'], protocol: string, allowed: readonly string[]): void {
  if (type === undefined) return;
  if (!allowed.includes(type)) {
    throw new ClbError('InvalidParameterValue', `HealthCheck.CheckType ${type} does not fit ${protocol}.`);
  }
  if (type === allowed[0] || (protocol !== 'UDP' && type === 'HTTP')) return;
  throw new ClbError('UnsupportedOperation', `The sandbox does not model HealthCheck.CheckType ${type}.`);
}

/** As DescribeListeners tells it. */
export function describedHealthCheck(settings: HealthCheckSettings, protocol: string): Record<string, unknown> {
  const { http } = settings;
  return {
    HealthSwitch: settings.enabled ? 1 : 0,
    TimeOut: settings.timeoutMs / 1_000,
    IntervalTime: settings.intervalMs / 1_000,
    HealthNum: settings.healthyThreshold,
    UnHealthNum: settings.unhealthyThreshold,
    CheckType: http?.protocol ?? (protocol === 'UDP' ? 'PING' : 'TCP'),
    CheckPort: settings.checkPort ?? null,
    SourceIpType: settings.isFromSharedRange ? 1 : 0,
    ...(http ? describedHttpCheck(http) : {}),
  };
}

function describedHttpCheck(http: HttpCheckSettings): Record<string, unknown> {
  return {
    HttpCode: http.passingStatuses,
    HttpCheckPath: http.path,
    HttpCheckDomain: http.domain,
    HttpCheckMethod: http.method,
  };
}
