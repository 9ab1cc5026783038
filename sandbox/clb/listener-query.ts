import { describedCertificate } from './certificate-parameters.ts';
import { describedHealthCheck } from './health-check-parameters.ts';
import { integer, list, object, text } from './parameters.ts';
import { isLayerSeven } from './place.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { cloudTime, read, selectedListeners } from './query.ts';
import type { Listener, Rewrite, Rule } from './state.ts';

const listenersParameters = object({
  required: { LoadBalancerId: text() },
  optional: { ListenerIds: list(text(), 0, 100), Protocol: text(), Port: integer(1, 65_535) },
});

function describeListeners(context: ActionContext, parameters: ReturnType<typeof listenersParameters>): Plan {
  return read(() => {
    const listeners = selectedListeners(context, parameters).map(describedListener);
    return { Listeners: listeners, TotalCount: listeners.length };
  });
}

function describedListener({ settings, rules }: Listener): Record<string, unknown> {
  const isRuled = isLayerSeven(settings.protocol);
  return {
    ListenerId: settings.id,
    ListenerName: settings.name,
    Protocol: settings.protocol,
    Port: settings.port,
    EndPort: 0,
    Scheduler: settings.scheduler,
    SessionExpireTime: settings.sessionExpireSeconds,
    SessionType: 'NORMAL',
    HealthCheck: isRuled ? null : describedHealthCheck(settings.healthCheck, settings.protocol),
    Certificate: describedCertificate(settings.certificate),
    Rules: isRuled ? [...rules.values()].map(rule => describedRule(rule, settings.id)) : null,
    SniSwitch: settings.isSni ? 1 : 0,
    TargetType: 'NODE',
    KeepaliveEnable: settings.keepalive ? 1 : 0,
    DeregisterTargetRst: settings.deregisterTargetRst ?? false,
    RescheduleInterval: settings.rescheduleSeconds ?? 0,
    AttrFlags: settings.snat ? ['SnatEnable'] : [],
    CreateTime: cloudTime(settings.createdAt),
  };
}

export function describedRule({ settings }: Rule, listenerId: string): Record<string, unknown> {
  return {
    LocationId: settings.locationId,
    ListenerId: listenerId,
    Domain: settings.domain,
    Domains: [settings.domain],
    Url: settings.url,
    DefaultServer: settings.isDefaultDomain,
    Scheduler: settings.scheduler,
    SessionExpireTime: settings.sessionExpireSeconds,
    HealthCheck: describedHealthCheck(settings.healthCheck, settings.forwardProtocol),
    ForwardType: settings.forwardProtocol,
    Certificate: describedCertificate(settings.certificate),
    RewriteTarget: describedRewrite(settings.rewrite),
    HttpGzip: true,
    BeAutoCreated: false,
    Http2: settings.http2 ?? false,
    TargetType: 'NODE',
    TargetGroup: null,
    QuicStatus: 'QUIC_INACTIVE',
    CreateTime: cloudTime(settings.createdAt),
  };
}

function describedRewrite(rewrite: Rewrite | undefined): Record<string, unknown> {
  return {
    TargetListenerId: rewrite?.listenerId ?? null,
    TargetLocationId: rewrite?.locationId ?? null,
    RewriteCode: rewrite?.code ?? null,
    TakeUrl: rewrite?.keepsUrl ?? null,
    RewriteType: rewrite ? 'Manual' : null,
  };
}

export const listenerQueries: Readonly<Record<string, Action>> = {
  DescribeListeners: action(listenersParameters, describeListeners),
};
