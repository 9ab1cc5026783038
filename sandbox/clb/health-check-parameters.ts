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
    SourceIpType: integer(0, 0, 'UnsupportedOperation'),
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
  protocol: 'TCP' | 'UDP',
): HealthCheckSettings {
  checkType(given.CheckType, protocol, protocol === 'UDP' ? ['PING', 'CUSTOM'] : ['TCP', 'HTTP', 'CUSTOM']);
  const http = HTTP_PARAMETERS.find(name => given[name] !== undefined);
  if (http) throw new ClbError('UnsupportedOperation', `The sandbox does not model HealthCheck.${http} on layer 4.`);
  const { checkPort: currentCheckPort, ...rest } = current;
  const checkPort = given.CheckPort ?? currentCheckPort;
  return { ...timed(given, rest), ...(checkPort !== undefined && checkPort > 0 ? { checkPort } : {}) };
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
  const settings: HttpCheckSettings = {
    protocol: given.CheckType === 'HTTP' ? 'HTTP' : (http?.protocol ?? forwardProtocol),
    method: given.HttpCheckMethod ?? http?.method ?? 'HEAD',
    domain: given.HttpCheckDomain ?? http?.domain ?? '',
    path: given.HttpCheckPath ?? http?.path ?? '/',
    passingStatuses: given.HttpCode ?? http?.passingStatuses ?? EVERY_STATUS,
  };
  return { ...timed(given, current), http: settings };
}

function timed(given: HealthCheckParameters, current: HealthCheckSettings): HealthCheckSettings {
  const settings = {
    ...current,
    enabled: given.HealthSwitch === undefined ? current.enabled : given.HealthSwitch === 1,
    timeoutMs: (given.TimeOut ?? current.timeoutMs / 1_000) * 1_000,
    intervalMs: (given.IntervalTime ?? current.intervalMs / 1_000) * 1_000,
    healthyThreshold: given.HealthNum ?? current.healthyThreshold,
    unhealthyThreshold: given.UnHealthNum ?? current.unhealthyThreshold,
  };
  // The documentation says "less than"; 2 s every 2 s is what its own lower limits allow together.
  if (settings.timeoutMs <= settings.intervalMs) return settings;
  throw new ClbError('InvalidParameterValue', 'HealthCheck.TimeOut must not exceed HealthCheck.IntervalTime.');
}

/** The first of `allowed` is modelled, and HTTP where a rule forwards by HTTPS. */
function checkType(type: HealthCheckParameters['CheckType'], protocol: string, allowed: readonly string[]): void {
  if (type === undefined) return;
  if (!allowed.includes(type)) {
    throw new ClbError('InvalidParameterValue', `HealthCheck.CheckType ${type} does not fit ${protocol}.`);
  }
  if (type === allowed[0] || (protocol === 'HTTPS' && type === 'HTTP')) return;
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
    SourceIpType: 0,
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
