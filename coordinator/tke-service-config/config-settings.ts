import type { ForwardingSettings, HealthCheckSettings, ListenerSettings } from '../cloud/settings.ts';
import { type Complaints, ConfigFields } from './config-fields.ts';

/** What a TkeServiceConfig says, in CLB's own terms; of what it leaves out CLB's own stays. */
export interface ConfigSettings {
  readonly layer4: readonly Layer4Settings[];
  readonly layer7: readonly Layer7Settings[];
  readonly maxBandwidthMbps: number | undefined;
}

export interface Layer4Settings {
  readonly protocol: string;
  readonly port: number;
  readonly settings: ListenerSettings;
}

export interface Layer7Settings {
  readonly scheme: string;
  readonly port: number;
  readonly settings: ListenerSettings;
  /** Empty: the load balancer's own address. */
  readonly defaultDomain: string | undefined;
  readonly rules: readonly RuleSettings[];
}

export interface RuleSettings {
  /** Empty: the load balancer's own address. */
  readonly domain: string;
  /** Undefined: what is said is said of all rules of the domain. */
  readonly url: string | undefined;
  readonly settings: ForwardingSettings;
}

const LISTENERS_MAX = 100;
const RULES_MAX = 500;
const PORTS = { min: 1, max: 65_535 };
const SCHEDULERS = ['WRR', 'LEAST_CONN'] as const;
const CHECK_TYPES = ['TCP', 'HTTP', 'HTTPS', 'GRPC', 'PING', 'CUSTOM'] as const;
const LAYER_4_SESSION = { min: 30, max: 3_600 };
const LAYER_7_SESSION = { min: 30, max: 86_400 };
const SESSION_SECONDS_DEFAULT = 30;

/** Reads the `spec` of a TkeServiceConfig, whatever stands there. */
export function readConfigSettings(spec: unknown): { settings: ConfigSettings; complaints: Complaints } {
  const complaints: Complaints = [];
  const fields = new ConfigFields(spec, 'spec', complaints);
  const balancer = fields.object('loadBalancer');
  const settings: ConfigSettings = {
    layer4: (balancer?.list('l4Listeners', LISTENERS_MAX) ?? []).flatMap(layer4Settings),
    layer7: (balancer?.list('l7Listeners', LISTENERS_MAX) ?? []).flatMap(layer7Settings),
    maxBandwidthMbps: bandwidth(fields) ?? (balancer && bandwidth(balancer)),
  };
  balancer?.end();
  fields.end();
  return { settings, complaints };
}

/** Documented in one place and written in two. */
function bandwidth(fields: ConfigFields): number | undefined {
  return fields.whole('internetMaxBandwidthOut', { min: 0, max: 2_048 });
}

function layer4Settings(fields: ConfigFields): Layer4Settings[] {
  const protocol = fields.oneOf('protocol', ['TCP', 'UDP', 'TCP_SSL']);
  const port = fields.whole('port', PORTS);
  const settings = defined({
    deregisterTargetRst: fields.truth('deregisterTargetRst'),
    sessionSeconds: sessionSeconds(fields.object('session'), LAYER_4_SESSION),
    healthCheck: healthCheck(fields.object('healthCheck')),
    scheduler: fields.oneOf('scheduler', SCHEDULERS),
  });
  fields.end();
  return protocol === undefined || port === undefined ? [] : [{ protocol, port, settings }];
}

function layer7Settings(fields: ConfigFields): Layer7Settings[] {
  const scheme = fields.oneOf('protocol', ['HTTP', 'HTTPS']);
  const port = fields.whole('port', PORTS);
  const keepalive = fields.whole('keepaliveEnable', { min: 0, max: 1 });
  const settings = defined({
    keepalive: keepalive === undefined ? undefined : keepalive === 1,
    snat: fields.truth('snatEnable'),
  });
  const defaultDomain = fields.text('defaultServer');
  // A listener's name tells whose it is: ours stay ours.
  fields.text('listenerName');
  const rules = fields.list('domains', RULES_MAX).flatMap(domainRules);
  fields.end();
  return scheme === undefined || port === undefined ? [] : [{ scheme, port, settings, defaultDomain, rules }];
}

function domainRules(fields: ConfigFields): RuleSettings[] {
  const domain = fields.text('domain') ?? '';
  const ofDomain = defined({ http2: fields.truth('http2') });
  const rules = fields.list('rules', RULES_MAX).map((rule): RuleSettings => {
    const url = rule.text('url');
    const settings = defined({
      forwardType: rule.oneOf('forwardType', ['HTTP', 'HTTPS', 'GRPC']),
      sessionSeconds: sessionSeconds(rule.object('session'), LAYER_7_SESSION),
      healthCheck: healthCheck(rule.object('healthCheck')),
      scheduler: rule.oneOf('scheduler', [...SCHEDULERS, 'IP_HASH'] as const),
    });
    rule.end();
    return { domain, url: url || '/', settings };
  });
  fields.end();
  return [{ domain, url: undefined, settings: ofDomain }, ...rules];
}

function sessionSeconds(fields: ConfigFields | undefined, range: typeof LAYER_4_SESSION): number | undefined {
  if (!fields) return undefined;
  const enabled = fields.truth('enable');
  const seconds = fields.whole('sessionExpireTime', range);
  fields.end();
  if (enabled === false) return 0;
  return seconds ?? (enabled ? SESSION_SECONDS_DEFAULT : undefined);
}

function healthCheck(fields: ConfigFields | undefined): HealthCheckSettings | undefined {
  if (!fields) return undefined;
  const intervalSeconds = fields.whole('intervalTime', { min: 2, max: 300 });
  const timeoutSeconds = fields.whole('timeout', { min: 2, max: 60 });
  const isSlow = intervalSeconds !== undefined && timeoutSeconds !== undefined && timeoutSeconds >= intervalSeconds;
  if (isSlow) fields.complain('timeout', `less than intervalTime, which is ${intervalSeconds}`);
  const settings = {
    enabled: fields.truth('enable'),
    intervalSeconds,
    timeoutSeconds: isSlow ? undefined : timeoutSeconds,
    healthyThreshold: fields.whole('healthNum', { min: 2, max: 10 }),
    unhealthyThreshold: fields.whole('unHealthNum', { min: 2, max: 10 }),
    checkType: fields.oneOf('checkType', CHECK_TYPES),
    checkPort: checkPort(fields),
    sourceIpType: fields.whole('sourceIpType', { min: 0, max: 1 }) as 0 | 1 | undefined,
    httpCode: fields.whole('httpCode', { min: 1, max: 31 }),
    httpPath: fields.text('httpCheckPath'),
    httpDomain: fields.text('httpCheckDomain'),
    httpMethod: fields.oneOf('httpCheckMethod', ['HEAD', 'GET'] as const),
  };
  fields.end();
  return defined(settings);
}

/** -1: the target's own. */
function checkPort(fields: ConfigFields): number | undefined {
  const port = fields.whole('checkPort', { min: -1, max: PORTS.max });
  return port === 0 ? fields.complain('checkPort', '-1 or a port') : port;
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
