import type {
  CertificateSettings,
  ForwardingSettings,
  HealthCheckSettings,
  ListenerSettings,
  Redirects,
  SettingsChange,
} from './settings.ts';

/** Settings as the API wants them; what is left out of the settings is left out of the parameters. */

export function listenerParameters(settings: ListenerSettings): object {
  const { healthCheck, certificate, keepalive, isSni } = settings;
  return present({
    HealthCheck: healthCheck && healthCheckParameters(healthCheck),
    SessionExpireTime: settings.sessionSeconds,
    Scheduler: settings.scheduler,
    DeregisterTargetRst: settings.deregisterTargetRst,
    SniSwitch: isSni === undefined ? undefined : Number(isSni),
    KeepaliveEnable: keepalive === undefined ? undefined : Number(keepalive),
    SnatEnable: settings.snat,
    ...(certificate && certificateParameters(certificate)),
  });
}

/** Of the rule itself, not of its domain. */
export function ruleParameters(settings: ForwardingSettings): object {
  return present({
    HealthCheck: settings.healthCheck && healthCheckParameters(settings.healthCheck),
    SessionExpireTime: settings.sessionSeconds,
    Scheduler: settings.scheduler,
    ForwardType: settings.forwardType,
  });
}

/** Of the rule's domain. */
export function domainParameters({ certificate, http2, isDefaultDomain }: ForwardingSettings): object {
  return present({
    ...(certificate && certificateParameters(certificate)),
    Http2: http2,
    DefaultServer: isDefaultDomain,
  });
}

/** The action of a change of settings, and its parameters. */
export function settingsRequest(
  loadBalancerId: string,
  change: SettingsChange,
): { action: string; parameters: object } {
  const place = { LoadBalancerId: loadBalancerId, ListenerId: change.listenerId };
  switch (change.kind) {
    case 'listener':
      return { action: 'ModifyListener', parameters: { ...place, ...listenerParameters(change.settings) } };
    case 'rule': {
      const parameters = { ...place, LocationId: change.locationId, ...ruleParameters(change.settings) };
      return { action: 'ModifyRule', parameters };
    }
    case 'domain': {
      const parameters = { ...place, Domain: change.domain, ...domainParameters(change.settings) };
      return { action: 'ModifyDomainAttributes', parameters };
    }
  }
}

export function redirectParameters(
  loadBalancerId: string,
  { sourceListenerId, targetListenerId, pairs }: Redirects,
): object {
  return {
    LoadBalancerId: loadBalancerId,
    SourceListenerId: sourceListenerId,
    TargetListenerId: targetListenerId,
    RewriteInfos: pairs.map(pair => ({
      SourceLocationId: pair.sourceLocationId,
      TargetLocationId: pair.targetLocationId,
      RewriteCode: pair.code,
      TakeUrl: true,
      SourceDomain: pair.domain,
    })),
  };
}

/** Several server certificates go into another parameter than one, and with an authority into the same list as it. */
function certificateParameters({ certificateIds, authorityId }: CertificateSettings): object {
  const SSLMode = authorityId === undefined ? 'UNIDIRECTIONAL' : 'MUTUAL';
  const [first, ...more] = certificateIds;
  if (more.length === 0) return { Certificate: present({ SSLMode, CertId: first, CertCaId: authorityId }) };
  const ids = authorityId === undefined ? certificateIds : [...certificateIds, authorityId];
  return { MultiCertInfo: { SSLMode, CertList: ids.map(CertId => ({ CertId })) } };
}

function healthCheckParameters(settings: HealthCheckSettings): object {
  return present({
    // On is what CLB means when it is left out.
    HealthSwitch: Number(settings.enabled ?? true),
    TimeOut: settings.timeoutSeconds,
    IntervalTime: settings.intervalSeconds,
    HealthNum: settings.healthyThreshold,
    UnHealthNum: settings.unhealthyThreshold,
    CheckType: settings.checkType,
    CheckPort: settings.checkPort,
    SourceIpType: settings.sourceIpType,
    HttpCode: settings.httpCode,
    HttpCheckPath: settings.httpPath,
    HttpCheckDomain: settings.httpDomain,
    HttpCheckMethod: settings.httpMethod,
  });
}

function present(parameters: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
