import { certificateFields } from './certificate-parameters.ts';
import { ClbError } from './clb-error.ts';
import { domainSettings } from './domain-settings.ts';
import { flag, object } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { withDefaultDomain, withDomainSettings } from './rule-domain.ts';
import { domain, listenerName, ruleTask, writableListener } from './rule-write.ts';
import type { Listener } from './state.ts';

const modifyParameters = object({
  required: { ...listenerName, Domain: domain },
  optional: { Http2: flag, DefaultServer: flag, NewDefaultServerDomain: domain, ...certificateFields },
  unmodelled: ['NewDomain', 'NewDomains', 'Quic'],
});

function modifyDomain(context: ActionContext, parameters: ReturnType<typeof modifyParameters>): Plan {
  const { loadBalancer, listener } = writableListener(context, parameters);
  const { Domain: name, DefaultServer: isDefault, NewDefaultServerDomain: next } = parameters;
  checkDomain(listener, name);
  if (next !== undefined) checkDomain(listener, next);
  if (isDefault === false && next === undefined && isDefaultDomain(listener, name)) {
    throw new ClbError('InvalidParameter', 'A listener has a default domain; name another as NewDefaultServerDomain.');
  }
  const shared = domainSettings(context, listener, parameters);
  const wanted = isDefault ? name : next;
  return ruleTask(context, loadBalancer, { size: 1, answer: {} }, () => [
    ...withDomainSettings(loadBalancer, listener, name, shared),
    ...(wanted === undefined ? [] : withDefaultDomain(loadBalancer, listener, wanted)),
  ]);
}

function checkDomain(listener: Listener, name: string): void {
  if ([...listener.rules.values()].some(({ settings }) => settings.domain === name)) return;
  throw new ClbError('InvalidParameter.LocationNotFound', `No location of domain ${name} exists.`);
}

function isDefaultDomain(listener: Listener, name: string): boolean {
  return [...listener.rules.values()].some(({ settings }) => settings.domain === name && settings.isDefaultDomain);
}

export const domainActions: Readonly<Record<string, Action>> = {
  ModifyDomainAttributes: action(modifyParameters, modifyDomain),
};
