import { ClbError } from './clb-error.ts';
import { integer, object, oneOf } from './parameters.ts';
import type { HealthCheckSettings, Protocol } from './state.ts';

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
  },
  unmodelled: [
    'HttpCode',
    'HttpCheckPath',
    'HttpCheckDomain',
    'HttpCheckMethod',
    'HttpVersion',
    'ContextType',
    'SendContext',
    'RecvContext',
    'ExtendedCode',
  ],
});

type HealthCheckParameters = ReturnType<typeof healthCheckParameters>;

export const DEFAULT_HEALTH_CHECK: HealthCheckSettings = {
  enabled: true,
  timeoutMs: 2_000,
  intervalMs: 5_000,
  healthyThreshold: 3,
  unhealthyThreshold: 3,
};

/**
 * `current` with what `given` says changed.
 * @throws ClbError when the values contradict each other or the protocol.
 */
export function healthCheckOf(
  given: HealthCheckParameters,
  current: HealthCheckSettings,
  protocol: Protocol,
): HealthCheckSettings {
  checkType(given.CheckType, protocol);
  const { checkPort: currentCheckPort, ...rest } = current;
  const checkPort = given.CheckPort ?? currentCheckPort;
  const settings = {
    ...rest,
    enabled: given.HealthSwitch === undefined ? current.enabled : given.HealthSwitch === 1,
    timeoutMs: (given.TimeOut ?? current.timeoutMs / 1_000) * 1_000,
    intervalMs: (given.IntervalTime ?? current.intervalMs / 1_000) * 1_000,
    healthyThreshold: given.HealthNum ?? current.healthyThreshold,
    unhealthyThreshold: given.UnHealthNum ?? current.unhealthyThreshold,
    ...(checkPort !== undefined && checkPort > 0 ? { checkPort } : {}),
  };
  // The documentation says "less than"; 2 s every 2 s is what its own lower limits allow together.
  if (settings.timeoutMs > settings.intervalMs) {
    throw new ClbError('InvalidParameterValue', 'HealthCheck.TimeOut must not exceed HealthCheck.IntervalTime.');
  }
  return settings;
}

function checkType(type: HealthCheckParameters['CheckType'], protocol: Protocol): void {
  const allowed = protocol === 'UDP' ? ['PING', 'CUSTOM'] : ['TCP', 'HTTP', 'CUSTOM'];
  if (type === undefined) return;
  if (!allowed.includes(type)) {
    throw new ClbError('InvalidParameterValue', `HealthCheck.CheckType ${type} does not fit a ${protocol} listener.`);
  }
  if (type !== allowed[0]) {
    throw new ClbError('UnsupportedOperation', `The sandbox does not model HealthCheck.CheckType ${type}.`);
  }
}

/** As DescribeListeners tells it. */
export function describedHealthCheck(settings: HealthCheckSettings, protocol: Protocol): Record<string, unknown> {
  return {
    HealthSwitch: settings.enabled ? 1 : 0,
    TimeOut: settings.timeoutMs / 1_000,
    IntervalTime: settings.intervalMs / 1_000,
    HealthNum: settings.healthyThreshold,
    UnHealthNum: settings.unhealthyThreshold,
    CheckType: protocol === 'UDP' ? 'PING' : 'TCP',
    CheckPort: settings.checkPort ?? null,
    SourceIpType: 0,
  };
}
