import { Protocol } from '../../common/pod-record.ts';
import type { ForwardingSettings, ListenerSettings } from '../cloud/settings.ts';
import type { RuleIntent, ServiceIntent } from '../loadbalancers/service-intent.ts';
import type { ConfigSettings, Layer7Settings } from './config-settings.ts';

/**
 * The intent with the settings of a TkeServiceConfig on the listeners and rules that it names. What the object itself
 * says of a certificate stays; entries that match nothing are passed over.
 */
export function settledIntent(intent: ServiceIntent, config: ConfigSettings): ServiceIntent {
  const rules = intent.rules.map(rule => (rule.forwarding ? layer7Rule(rule, config) : layer4Rule(rule, config)));
  const { maxBandwidthMbps } = config;
  const isPublic = intent.loadBalancer.kind === 'created' && intent.loadBalancer.subnetId === undefined;
  if (maxBandwidthMbps === undefined || !isPublic) return { ...intent, rules };
  return { ...intent, rules, settings: { maxBandwidthMbps, ...intent.settings } };
}

function layer4Rule(rule: RuleIntent, { layer4 }: ConfigSettings): RuleIntent {
  const protocol = layer4Protocol(rule);
  const found = layer4.find(each => each.port === rule.port && each.protocol === protocol);
  return found ? withListenerSettings(rule, found.settings) : rule;
}

function layer4Protocol({ protocol, listenerSettings }: RuleIntent): string {
  if (protocol === Protocol.UDP) return 'UDP';
  return listenerSettings?.certificate ? 'TCP_SSL' : 'TCP';
}

function layer7Rule(rule: RuleIntent, { layer7 }: ConfigSettings): RuleIntent {
  const found = layer7.find(({ port, scheme }) => port === rule.port && scheme === rule.forwarding?.scheme);
  if (!found) return rule;
  const settled = withListenerSettings(rule, found.settings);
  const settings = forwardingSettings(rule, found);
  return Object.keys(settings).length === 0 ? settled : { ...settled, forwardingSettings: settings };
}

function forwardingSettings(rule: RuleIntent, { rules, defaultDomain }: Layer7Settings): ForwardingSettings {
  const { domain = '', url = '' } = rule.forwarding ?? {};
  const said = rules.filter(each => each.domain === domain && (each.url === undefined || isSameUrl(each.url, url)));
  const { isDefaultDomain, ...own } = rule.forwardingSettings ?? {};
  const isDefault = defaultDomain === undefined ? isDefaultDomain === true : defaultDomain === domain;
  const settings: ForwardingSettings = Object.assign({}, own, ...said.map(each => each.settings));
  return { ...settings, ...(isDefault && { isDefaultDomain: true }) };
}

/** A path that is meant exactly is written with or without CLB's `=`. */
function isSameUrl(written: string, url: string): boolean {
  return written === url || `=${written}` === url;
}

function withListenerSettings(rule: RuleIntent, settings: ListenerSettings): RuleIntent {
  if (Object.keys(settings).length === 0) return rule;
  return { ...rule, listenerSettings: { ...rule.listenerSettings, ...settings } };
}
