import { ClbError } from './clb-error.ts';
import { DEFAULT_HEALTH_CHECK, healthCheckParameters, listenerHealthCheck } from './health-check-parameters.ts';
import { integer, list, object, oneOf, text } from './parameters.ts';
import { isLayerSeven } from './place.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import { checkSession, LISTENER_SESSION_MAX_SECONDS } from './session.ts';
import {
  type Change,
  type HealthCheckSettings,
  type Listener,
  type ListenerSettings,
  type LoadBalancer,
  listenerOf,
  type Protocol,
  removeListener,
} from './state.ts';

/** "Length of .Ports should be less than 50". */
const PORTS_MAX = 49;

/** Real parameters whose effect this stand-in does not have. */
const UNMODELLED = [
  'SniSwitch',
  'TargetType',
  'SessionType',
  'KeepaliveEnable',
  'EndPort',
  'DeregisterTargetRst',
  'MultiCertInfo',
  'MaxConn',
  'MaxCps',
  'IdleConnectTimeout',
  'ProxyProtocol',
  'SnatEnable',
  'FullEndPorts',
  'H2cSwitch',
  'SslCloseSwitch',
  'DataCompressMode',
  'RescheduleTargetZeroWeight',
  'RescheduleUnhealthy',
  'RescheduleExpandTarget',
  'RescheduleStartTime',
  'RescheduleInterval',
];

/** A certificate of the cloud's own; those sent along are not modelled. */
const certificate = object({
  required: { SSLMode: oneOf('UNIDIRECTIONAL'), CertId: text({ minLength: 1 }) },
  optional: {},
  unmodelled: ['SSLVerifyClient', 'CertCaId', 'CertName', 'CertKey', 'CertContent', 'CertCaName', 'CertCaContent'],
});

const name = text({ minLength: 1, maxLength: 80 });

const createParameters = object({
  required: {
    LoadBalancerId: text(),
    Ports: list(integer(1, 65_535, 'InvalidParameter.PortCheckFailed'), 1, PORTS_MAX),
    Protocol: text(),
  },
  optional: {
    ListenerNames: list(name, 1, PORTS_MAX),
    HealthCheck: healthCheckParameters,
    SessionExpireTime: integer(0, LISTENER_SESSION_MAX_SECONDS),
    Scheduler: oneOf('WRR', 'LEAST_CONN'),
    Certificate: certificate,
  },
  unmodelled: UNMODELLED,
});

type CreateParameters = ReturnType<typeof createParameters>;

function createListeners(context: ActionContext, parameters: CreateParameters): Plan {
  const protocol = knownProtocol(parameters.Protocol);
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  checkSession(parameters.SessionExpireTime ?? 0, parameters.Scheduler ?? 'WRR');
  checkLayer(parameters, protocol);
  if (protocol === 'HTTPS' && parameters.Certificate === undefined) {
    throw new ClbError('InvalidParameter', 'An HTTPS listener needs the parameter `Certificate`.');
  }
  checkPorts(loadBalancer, parameters, protocol);
  const { ListenerNames: names, Ports: ports } = parameters;
  if (names && names.length !== ports.length) {
    throw new ClbError('InvalidParameter', 'ListenerNames and Ports must have the same length.');
  }
  if (loadBalancer.listeners.size + ports.length > context.settings.quota.listenersPerLoadBalancer) {
    throw new ClbError(
      'LimitExceeded',
      `${loadBalancer.id} may have ${context.settings.quota.listenersPerLoadBalancer} listeners.`,
    );
  }
  const created = ports.map(
    (port, index): ListenerSettings => ({
      id: context.state.newId('lbl'),
      name: names?.[index] ?? '',
      protocol,
      port,
      scheduler: parameters.Scheduler ?? 'WRR',
      sessionExpireSeconds: parameters.SessionExpireTime ?? 0,
      healthCheck: healthCheckOf(parameters.HealthCheck, DEFAULT_HEALTH_CHECK, protocol),
      ...(parameters.Certificate ? { certificateId: parameters.Certificate.CertId } : {}),
      createdAt: context.wallNow,
    }),
  );
  return listenerTask(context, loadBalancer, created.length, { ListenerIds: created.map(({ id }) => id) }, () =>
    created.map(settings => put(loadBalancer, { settings, targets: new Map(), rules: new Map() }, 'listener-created')),
  );
}

function knownProtocol(protocol: string): Protocol {
  switch (protocol) {
    case 'TCP':
    case 'UDP':
    case 'HTTP':
    case 'HTTPS':
      return protocol;
    case 'TCP_SSL':
    case 'QUIC':
      throw new ClbError('UnsupportedOperation', `The sandbox does not model ${protocol} listeners.`);
    default:
      throw new ClbError('InvalidParameter.ProtocolCheckFailed', `Protocol ${protocol} is not valid.`);
  }
}

/** Layer 7 keeps check, session and scheduler with its rules, and HTTPS alone has a certificate. */
function checkLayer(parameters: CreateParameters | ReturnType<typeof modifyParameters>, protocol: Protocol): void {
  const ofRules = (['HealthCheck', 'SessionExpireTime', 'Scheduler'] as const).find(
    field => isLayerSeven(protocol) && parameters[field] !== undefined,
  );
  if (ofRules) throw new ClbError('InvalidParameter', `${ofRules} of ${protocol} is set for each rule.`);
  if (protocol === 'HTTPS' || parameters.Certificate === undefined) return;
  throw new ClbError('InvalidParameter', `Certificate is for HTTPS, not for ${protocol}.`);
}

function healthCheckOf(
  given: CreateParameters['HealthCheck'],
  current: HealthCheckSettings,
  protocol: Protocol,
): HealthCheckSettings {
  return isLayerSeven(protocol) ? current : listenerHealthCheck(given ?? {}, current, protocol);
}

function checkPorts(loadBalancer: LoadBalancer, parameters: CreateParameters, protocol: Protocol): void {
  if (new Set(parameters.Ports).size !== parameters.Ports.length) {
    throw new ClbError('InvalidParameterValue.Duplicate', 'Ports has duplicates.');
  }
  for (const { settings } of loadBalancer.listeners.values()) {
    if (isUdp(settings) !== isUdp({ protocol }) || !parameters.Ports.includes(settings.port)) continue;
    const message = `${protocol} port ${settings.port} of ${loadBalancer.id} is used by listener ${settings.id}.`;
    throw new ClbError('InvalidParameter.PortCheckFailed', message);
  }
}

/** A port is carried once over UDP and once over TCP, whatever is spoken on it. */
function isUdp({ protocol }: { readonly protocol: Protocol }): boolean {
  return protocol === 'UDP';
}

function put(loadBalancer: LoadBalancer, listener: Listener, kind: 'listener-created' | 'listener-modified'): Change {
  loadBalancer.listeners.set(listener.settings.id, listener);
  return { kind, loadBalancerId: loadBalancer.id, vip: loadBalancer.vip, settings: listener.settings };
}

const modifyParameters = object({
  required: { LoadBalancerId: text(), ListenerId: text() },
  optional: {
    ListenerName: name,
    SessionExpireTime: integer(0, LISTENER_SESSION_MAX_SECONDS),
    HealthCheck: healthCheckParameters,
    Scheduler: oneOf('WRR', 'LEAST_CONN', 'IP_HASH'),
    Certificate: certificate,
  },
  unmodelled: UNMODELLED,
});

function modifyListener(context: ActionContext, parameters: ReturnType<typeof modifyParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  const listener = listenerOf(loadBalancer, parameters.ListenerId);
  const { settings } = listener;
  checkLayer(parameters, settings.protocol);
  const modified: ListenerSettings = {
    ...settings,
    name: parameters.ListenerName ?? settings.name,
    scheduler: parameters.Scheduler ?? settings.scheduler,
    sessionExpireSeconds: parameters.SessionExpireTime ?? settings.sessionExpireSeconds,
    healthCheck: healthCheckOf(parameters.HealthCheck, settings.healthCheck, settings.protocol),
    ...(parameters.Certificate ? { certificateId: parameters.Certificate.CertId } : {}),
  };
  checkSession(modified.sessionExpireSeconds, modified.scheduler);
  return listenerTask(context, loadBalancer, 1, {}, () => {
    listener.settings = modified;
    return [put(loadBalancer, listener, 'listener-modified')];
  });
}

const deleteParameters = object({ required: { LoadBalancerId: text(), ListenerId: text() }, optional: {} });

function deleteListener(context: ActionContext, parameters: ReturnType<typeof deleteParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'plain');
  return removal(context, loadBalancer, [listenerOf(loadBalancer, parameters.ListenerId)]);
}

const deleteManyParameters = object({
  required: { LoadBalancerId: text() },
  optional: { ListenerIds: list(text(), 0, 20) },
});

/** Without ids it deletes every listener: the real API's sharp edge. */
function deleteListeners(context: ActionContext, parameters: ReturnType<typeof deleteManyParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  const ids = parameters.ListenerIds ?? [];
  const wanted = ids.length === 0 ? [...loadBalancer.listeners.keys()] : [...new Set(ids)];
  const unknown = wanted.filter(id => !loadBalancer.listeners.has(id));
  if (unknown.length > 0) throw new ClbError('InvalidParameter', `some ListenerId ${unknown.join(', ')} not found`);
  return removal(
    context,
    loadBalancer,
    wanted.map(id => listenerOf(loadBalancer, id)),
  );
}

function removal(context: ActionContext, loadBalancer: LoadBalancer, listeners: readonly Listener[]): Plan {
  return listenerTask(context, loadBalancer, listeners.length, {}, () =>
    listeners.flatMap(listener => removeListener(loadBalancer, listener)),
  );
}

function listenerTask(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  size: number,
  answer: Record<string, unknown>,
  apply: () => readonly Change[],
): Plan {
  const { listenerBaseMs, listenerPerItemMs } = context.settings.latency;
  const afterMs = listenerBaseMs + size * listenerPerItemMs;
  return { kind: 'write', locks: [loadBalancer], size, answersWhen: 'accepted', answer, steps: [{ afterMs, apply }] };
}

export const listenerActions: Readonly<Record<string, Action>> = {
  CreateListener: action(createParameters, createListeners),
  ModifyListener: action(modifyParameters, modifyListener),
  DeleteListener: action(deleteParameters, deleteListener),
  DeleteLoadBalancerListeners: action(deleteManyParameters, deleteListeners),
};
