import { isDeepStrictEqual } from 'node:util';
import type { DomainSettings, ForwardingSettings, ListenerSettings, SettingsChange } from '../cloud/settings.ts';
import type { ForwardingRule, Listener } from '../cloud/types.ts';
import type { RuleLocation } from './listener-plan-types.ts';
import type { ListenerWork } from './listener-work.ts';
import type { RuleIntent } from './service-intent.ts';
import { settingDifference } from './setting-differences.ts';

/** A rule that has its place. */
export interface SettledRule {
  readonly rule: RuleIntent;
  readonly place: RuleLocation;
}

/** A settled rule and what CLB tells of it. */
interface FoundRule {
  readonly rule: RuleIntent;
  readonly known: ForwardingRule;
}

/**
 * Changes in place of what differs from what users want; what nobody names is left as it is, whoever changed it. Where
 * rules that share a listener or a domain disagree, the first has its way: give them in the order of age.
 */
export function settingChanges(settled: readonly SettledRule[], listeners: readonly Listener[]): ListenerWork[] {
  const byId = new Map(listeners.map(listener => [listener.id, listener]));
  const groups = Map.groupBy(settled, ({ place }) => place.listenerId);
  return [...groups].flatMap(([listenerId, group]) => {
    const listener = byId.get(listenerId);
    return listener ? [...listenerChange(listener, group), ...forwardingChanges(listener, group)] : [];
  });
}

/** Whether the listeners show the change. */
export function isSettingShown(listeners: readonly Listener[], change: SettingsChange): boolean {
  const listener = listeners.find(({ id }) => id === change.listenerId);
  switch (change.kind) {
    case 'listener':
      return !settingDifference(change.settings, listener?.settings ?? {});
    case 'rule': {
      const rule = listener?.forwardingRules.find(({ locationId }) => locationId === change.locationId);
      return !settingDifference(change.settings, rule?.settings ?? {});
    }
    case 'domain': {
      const rule = listener?.forwardingRules.find(({ domain }) => domain === change.domain);
      return !settingDifference(change.settings, rule?.settings ?? {});
    }
  }
}

/** What a listener that several rules will share is made with; the first before the others. */
function combinedSettings(wishes: readonly (ListenerSettings | undefined)[]): ListenerSettings {
  return Object.assign({}, ...wishes.toReversed());
}

/** Of the settings those that a listener of the protocol has itself. */
export function ownSettings(settings: ListenerSettings, protocol: string): ListenerSettings {
  const { certificate, keepalive, ...layer4 } = settings;
  switch (protocol) {
    case 'HTTP':
    case 'HTTPS': {
      const { snat } = settings;
      return { ...(keepalive !== undefined && { keepalive }), ...(snat !== undefined && { snat }) };
    }
    case 'TCP_SSL':
      return { ...layer4, ...(certificate && { certificate }) };
    default:
      return layer4;
  }
}

/** Of the settings those that a rule on a listener of the scheme can have. */
function schemeSettings(settings: ForwardingSettings, scheme: string): ForwardingSettings {
  if (scheme === 'HTTPS') return settings;
  const { certificate, http2, forwardType, ...plain } = settings;
  return plain;
}

/** What a rule is made with; on a listener without SNI it gets the listener's certificate. */
export function newRuleSettings(settings: ForwardingSettings, listener: Listener): ForwardingSettings {
  const { certificate, ...others } = schemeSettings(settings, listener.protocol);
  return certificate && listener.settings?.isSni !== false ? { ...others, certificate } : others;
}

function listenerChange(listener: Listener, group: readonly SettledRule[]): ListenerWork[] {
  if (!listener.settings) return [];
  const wanted = combinedSettings(group.map(({ rule }) => rule.listenerSettings));
  const own = { ...ownSettings(wanted, listener.protocol), ...commonCertificate(listener, group) };
  const settings = settingDifference(own, listener.settings);
  const ruleIds = group.map(({ rule }) => rule.id);
  return settings ? [work({ kind: 'listener', listenerId: listener.id, settings }, ruleIds)] : [];
}

/** Without SNI there is one certificate for all domains; with more of them it has to be switched on first. */
function commonCertificate({ protocol, settings }: Listener, group: readonly SettledRule[]): ListenerSettings {
  if (protocol !== 'HTTPS' || settings?.isSni !== false) return {};
  const wanted = group.flatMap(({ rule }) => rule.forwardingSettings?.certificate ?? []);
  const [certificate] = wanted;
  if (!certificate) return {};
  return wanted.every(each => isDeepStrictEqual(each, certificate)) ? { certificate } : { isSni: true };
}

function forwardingChanges(listener: Listener, group: readonly SettledRule[]): ListenerWork[] {
  const byLocation = new Map(listener.forwardingRules.map(rule => [rule.locationId, rule]));
  const found = group.flatMap(({ rule, place }): FoundRule[] => {
    const known = byLocation.get(place.locationId);
    return known?.settings && rule.forwardingSettings ? [{ rule, known }] : [];
  });
  const ofDefault = found.find(({ rule }) => rule.forwardingSettings?.isDefaultDomain)?.known.domain;
  const domains = Map.groupBy(found, ({ known }) => known.domain);
  return [
    ...found.flatMap(each => ruleChange(listener, each)),
    ...[...domains.values()].flatMap(rules => domainChange(listener, rules, ofDefault)),
  ];
}

function ruleChange({ id, protocol }: Listener, { rule, known }: FoundRule): ListenerWork[] {
  const { certificate, http2, isDefaultDomain, ...own } = schemeSettings(rule.forwardingSettings ?? {}, protocol);
  const settings = settingDifference(own, known.settings ?? {});
  return settings ? [work({ kind: 'rule', listenerId: id, locationId: known.locationId, settings }, [rule.id])] : [];
}

function domainChange(listener: Listener, rules: readonly FoundRule[], ofDefault: string | undefined): ListenerWork[] {
  const [first] = rules;
  if (!first) return [];
  const { domain, settings: told } = first.known;
  const wishes = rules.map(({ rule }) => schemeSettings(rule.forwardingSettings ?? {}, listener.protocol));
  const { certificate, http2 } = Object.assign({}, ...wishes.toReversed()) as ForwardingSettings;
  const wanted: DomainSettings = {
    ...(certificate && listener.settings?.isSni && { certificate }),
    ...(http2 !== undefined && { http2 }),
    ...(domain === ofDefault && { isDefaultDomain: true }),
  };
  const settings = settingDifference(wanted, told ?? {});
  if (!settings) return [];
  const ruleIds = rules.map(({ rule }) => rule.id);
  return [work({ kind: 'domain', listenerId: listener.id, domain, settings }, ruleIds)];
}

function work(change: SettingsChange, ruleIds: readonly string[]): ListenerWork {
  return { kind: 'change-settings', change, ruleIds };
}
