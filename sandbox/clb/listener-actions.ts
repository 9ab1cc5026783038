import { certificateFields, certificateOf } from './certificate-parameters.ts';
import { ClbError } from './clb-error.ts';
import { DEFAULT_HEALTH_CHECK, healthCheckParameters, listenerHealthCheck } from './health-check-parameters.ts';
import { flag, integer, list, object, oneOf, text } from './parameters.ts';
import { isLayerSeven } from './place.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import { withCertificate, withoutLostRewrites } from './rule-domain.ts';
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
  'TargetType',
  'SessionType',
  'EndPort',
  'MaxConn',
  'MaxCps',
  'IdleConnectTimeout',
  'ProxyProtocol',
  'FullEndPorts',
  'H2cSwitch',
  'SslCloseSwitch',
  'DataCompressMode',
  'RescheduleTargetZeroWeight',
  'RescheduleUnhealthy',
  'RescheduleExpandTarget',
  'RescheduleStartTime',
];

const name = text({ minLength: 1, maxLength: 80 });

/** What a listener can be made with and changed to alike. */
const switches = {
  SessionExpireTime: integer(0, LISTENER_SESSION_MAX_SECONDS),
  SniSwitch: integer(0, 1),
  KeepaliveEnable: integer(0, 1),
  SnatEnable: flag,
  DeregisterTargetRst: flag,
  RescheduleInterval: integer(0, 3_600),
  ...certificateFields,
};

const createParameters = object({
  required: {
    LoadBalancerId: text(),
    Ports: list(integer(1, 65_535, 'InvalidParameter.PortCheckFailed'), 1, PORTS_MAX),
    Protocol: text(),
  },
  optional: {
    ListenerNames: list(name, 1, PORTS_MAX),
    HealthCheck: healthCheckParameters,
    Scheduler: oneOf('WRR', 'LEAST_CONN'),
    ...switches,
  },
  unmodelled: UNMODELLED,
});

type CreateParameters = ReturnType<typeof createParameters>;

function createListeners(context: ActionContext, parameters: CreateParameters): Plan {
  const protocol = knownProtocol(parameters.Protocol);
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  checkSession(parameters.SessionExpireTime ?? 0, parameters.Scheduler ?? 'WRR');
  checkLayer(parameters, protocol);
  const own = switchSettings(context, parameters);
  checkCertificate(own, protocol);
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
      ...own,
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
    case 'TCP_SSL':
    case 'HTTP':
    case 'HTTPS':
      return protocol;
    case 'QUIC':
      throw new ClbError('UnsupportedOperation', 'The sandbox does not model QUIC listeners.');
    default:
      throw new ClbError('InvalidParameter.ProtocolCheckFailed', `Protocol ${protocol} is not valid.`);
  }
}

type Switches = Partial<Pick<CreateParameters, keyof typeof switches>>;

function switchSettings(context: ActionContext, given: Switches) {
  const certificate = certificateOf(context, given);
  return {
    ...(certificate && { certificate }),
    ...(given.SniSwitch !== undefined && { isSni: given.SniSwitch === 1 }),
    ...(given.KeepaliveEnable !== undefined && { keepalive: given.KeepaliveEnable === 1 }),
    ...(given.SnatEnable !== undefined && { snat: given.SnatEnable }),
    ...(given.RescheduleInterval !== undefined && { rescheduleSeconds: given.RescheduleInterval }),
    ...(given.DeregisterTargetRst !== undefined && { deregisterTargetRst: given.DeregisterTargetRst }),
  };
}

const OF_RULES = ['HealthCheck', 'SessionExpireTime', 'Scheduler'] as const;
const OF_LAYER_SEVEN = ['SniSwitch', 'KeepaliveEnable'] as const;

/** Layer 7 keeps check, session and scheduler with its rules. */
function checkLayer(parameters: CreateParameters | ReturnType<typeof modifyParameters>, protocol: Protocol): void {
  const ofOthers = isLayerSeven(protocol)
    ? [...OF_RULES, 'DeregisterTargetRst' as const, 'RescheduleInterval' as const]
    : OF_LAYER_SEVEN;
  const wrong = ofOthers.find(field => parameters[field] !== undefined);
  if (wrong) throw new ClbError('InvalidParameter', `${wrong} is not a parameter of ${protocol} listeners.`);
  if (protocol === 'HTTP' && parameters.SniSwitch === 1) {
    throw new ClbError('InvalidParameter', 'SniSwitch is for HTTPS, not for HTTP.');
  }
}

/** TCP_SSL has a certificate, and HTTPS has one unless each domain brings its own. */
function checkCertificate(
  { certificate, isSni }: Pick<ListenerSettings, 'certificate' | 'isSni'>,
  protocol: Protocol,
): void {
  const isNeeded = protocol === 'TCP_SSL' || (protocol === 'HTTPS' && !isSni);
  if (isNeeded === (certificate !== undefined)) return;
  const about = isNeeded ? 'needs the parameter `Certificate`' : 'has no certificate of its own';
  throw new ClbError('InvalidParameter', `This ${protocol} listener ${about}.`);
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
    HealthCheck: healthCheckParameters,
    Scheduler: oneOf('WRR', 'LEAST_CONN', 'IP_HASH'),
    ...switches,
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
    ...switchSettings(context, parameters),
  };
  checkSession(modified.sessionExpireSeconds, modified.scheduler);
  if (settings.isSni && parameters.SniSwitch === 0) {
    throw new ClbError('InvalidParameter', 'SNI cannot be switched off again.');
  }
  const isNewlySni = modified.isSni === true && !settings.isSni;
  const { certificate, ...withoutCertificate } = modified;
  if (!isNewlySni) checkCertificate(modified, settings.protocol);
  return listenerTask(context, loadBalancer, 1, {}, () => {
    listener.settings = isNewlySni ? withoutCertificate : modified;
    const inherited = isNewlySni && certificate ? withCertificate(loadBalancer, listener, certificate) : [];
    return [put(loadBalancer, listener, 'listener-modified'), ...inherited];
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
  return listenerTask(context, loadBalancer, listeners.length, {}, () => [
    ...listeners.flatMap(listener => removeListener(loadBalancer, listener)),
    ...withoutLostRewrites(loadBalancer),
  ]);
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
