import { certificateFields } from './certificate-parameters.ts';
import { ClbError } from './clb-error.ts';
import { sharedByDomain } from './domain-settings.ts';
import { defaultRuleHealthCheck, healthCheckParameters, ruleHealthCheck } from './health-check-parameters.ts';
import { flag, integer, list, object, oneOf, type Parse, text } from './parameters.ts';
import { ruleById } from './place.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { expressionOf } from './rule-choice.ts';
import { defaultDomain, withDefaultDomain, withDomainSettings, withoutLostRewrites } from './rule-domain.ts';
import { domain, listenerName, ruleTask, writableListener } from './rule-write.ts';
import { checkSession, RULE_SESSION_MAX_SECONDS } from './session.ts';
import { type Change, type LayerSevenProtocol, type Listener, type RuleSettings, removeRule } from './state.ts';

/** Of one call; no limit is published. */
const RULES_MAX = 50;

const url: Parse<string> = (value, path) => {
  const parsed = text({ minLength: 1, maxLength: 200 })(value, path);
  if (/^=?\//.test(parsed)) return parsed;
  if (expressionOf(parsed)) return parsed;
  throw new ClbError(
    'InvalidParameter.FormatError',
    `The value of \`${path}\` must begin with / or =/, or be a regular expression after ~ or ~*: ${parsed}.`,
  );
};

const ruleFields = {
  SessionExpireTime: integer(0, RULE_SESSION_MAX_SECONDS),
  HealthCheck: healthCheckParameters,
  Scheduler: oneOf('WRR', 'LEAST_CONN', 'IP_HASH'),
  ForwardType: oneOf('HTTP', 'HTTPS'),
};

const UNMODELLED = ['TrpcCallee', 'TrpcFunc', 'OAuth', 'CookieName'];

const ruleInput = object({
  required: { Domain: domain, Url: url },
  optional: { ...ruleFields, DefaultServer: flag, Http2: flag, ...certificateFields },
  unmodelled: [...UNMODELLED, 'TargetType', 'Quic', 'Domains'],
});

type RuleInput = ReturnType<typeof ruleInput>;

const createParameters = object({
  required: { ...listenerName, Rules: list(ruleInput, 1, RULES_MAX) },
  optional: {},
});

function createRules(context: ActionContext, parameters: ReturnType<typeof createParameters>): Plan {
  const { loadBalancer, listener, protocol } = writableListener(context, parameters);
  const inputs = parameters.Rules;
  for (const [index, input] of inputs.entries()) checkFree(listener, input, inputs.slice(0, index));
  const limit = context.settings.quota.rulesPerListener;
  if (listener.rules.size + inputs.length > limit) {
    throw new ClbError('LimitExceeded', `Listener ${parameters.ListenerId} may have ${limit} rules.`);
  }
  const wantedDefault = wantedDefaultDomain(inputs) ?? defaultDomain(listener) ?? inputs[0]?.Domain ?? '';
  const shared = sharedByDomain(context, listener, inputs);
  const created = inputs.map(input => ({
    ...ruleSettings(context, input, protocol),
    ...shared.get(input.Domain),
    isDefaultDomain: input.Domain === wantedDefault,
  }));
  const answer = { LocationIds: created.map(({ locationId }) => locationId) };
  return ruleTask(context, loadBalancer, { size: created.length, answer }, () => [
    ...created.map((settings): Change => {
      const { locationId } = settings;
      listener.rules.set(locationId, { settings, targets: new Map() });
      return {
        kind: 'rule-created',
        loadBalancerId: loadBalancer.id,
        listenerId: listener.settings.id,
        locationId,
        rule: settings,
      };
    }),
    ...withDefaultDomain(loadBalancer, listener, wantedDefault),
    ...[...shared].flatMap(([domain, settings]) => withDomainSettings(loadBalancer, listener, domain, settings)),
  ]);
}

function checkFree(listener: Listener, { Domain, Url }: RuleInput, others: readonly RuleInput[]): void {
  const taken = [...listener.rules.values()].find(({ settings }) => settings.domain === Domain && settings.url === Url);
  if (!taken && !others.some(other => other.Domain === Domain && other.Url === Url)) return;
  const by = taken ? `rule ${taken.settings.locationId}` : 'another rule of this request';
  throw new ClbError('InvalidParameterValue.Duplicate', `${Domain}${Url} is used by ${by}.`);
}

function wantedDefaultDomain(inputs: readonly RuleInput[]): string | undefined {
  const wanted = new Set(inputs.filter(input => input.DefaultServer).map(input => input.Domain));
  const [first, second] = wanted;
  if (second === undefined) return first;
  throw new ClbError('InvalidParameter', `DefaultServer is set for ${first} and ${second}; a listener has one.`);
}

function ruleSettings(context: ActionContext, input: RuleInput, protocol: LayerSevenProtocol) {
  const { Domain: domain, Url: url, Scheduler: scheduler = 'WRR', SessionExpireTime: seconds = 0 } = input;
  const forwardProtocol = forwardProtocolOf(input.ForwardType, protocol);
  checkSession(seconds, scheduler);
  return {
    locationId: context.state.newId('loc'),
    domain,
    url,
    scheduler,
    sessionExpireSeconds: seconds,
    healthCheck: ruleHealthCheck(
      input.HealthCheck ?? {},
      defaultRuleHealthCheck(domain, forwardProtocol),
      forwardProtocol,
    ),
    forwardProtocol,
    createdAt: context.wallNow,
  };
}

function forwardProtocolOf(wanted: LayerSevenProtocol = 'HTTP', protocol: LayerSevenProtocol): LayerSevenProtocol {
  if (wanted === 'HTTP' || protocol === 'HTTPS') return wanted;
  throw new ClbError('InvalidParameterValue', 'ForwardType HTTPS needs an HTTPS listener.');
}

const modifyParameters = object({
  required: { ...listenerName, LocationId: text() },
  optional: { ...ruleFields, Url: url },
  unmodelled: UNMODELLED,
});

function modifyRule(context: ActionContext, parameters: ReturnType<typeof modifyParameters>): Plan {
  const { loadBalancer, listener, protocol } = writableListener(context, parameters);
  const rule = ruleById(listener, parameters.LocationId);
  const { settings } = rule;
  const forwardProtocol = forwardProtocolOf(parameters.ForwardType ?? settings.forwardProtocol, protocol);
  const modified: RuleSettings = {
    ...settings,
    url: parameters.Url ?? settings.url,
    scheduler: parameters.Scheduler ?? settings.scheduler,
    sessionExpireSeconds: parameters.SessionExpireTime ?? settings.sessionExpireSeconds,
    forwardProtocol,
    healthCheck: ruleHealthCheck(parameters.HealthCheck ?? {}, settings.healthCheck, forwardProtocol),
  };
  checkSession(modified.sessionExpireSeconds, modified.scheduler);
  if (modified.url !== settings.url) checkFree(listener, { Domain: settings.domain, Url: modified.url }, []);
  const { locationId } = settings;
  return ruleTask(context, loadBalancer, { size: 1, answer: {} }, () => {
    rule.settings = { ...modified, isDefaultDomain: rule.settings.isDefaultDomain };
    const place = { listenerId: listener.settings.id, locationId };
    return [{ kind: 'rule-modified', loadBalancerId: loadBalancer.id, ...place, rule: rule.settings }];
  });
}

const deleteParameters = object({
  required: listenerName,
  optional: { LocationIds: list(text(), 1, RULES_MAX), Domain: domain, Url: url, NewDefaultServerDomain: domain },
});

type DeleteParameters = ReturnType<typeof deleteParameters>;

function deleteRules(context: ActionContext, parameters: DeleteParameters): Plan {
  const { loadBalancer, listener } = writableListener(context, parameters);
  const rules = namedRules(listener, parameters);
  const left = [...listener.rules.values()].filter(rule => !rules.includes(rule));
  const domains = left.map(({ settings }) => settings.domain);
  const wantedDefault = parameters.NewDefaultServerDomain ?? defaultDomain(listener) ?? '';
  const [oldest = ''] = domains;
  if (left.length > 0 && !domains.includes(wantedDefault)) {
    if (parameters.NewDefaultServerDomain !== undefined || context.settings.manners.defaultDomainRemoval === 'error') {
      const message = `${wantedDefault} would be the default domain without a rule; name another as NewDefaultServerDomain.`;
      throw new ClbError('InvalidParameter', message);
    }
  }
  const newDefault = domains.includes(wantedDefault) ? wantedDefault : oldest;
  return ruleTask(context, loadBalancer, { size: rules.length, answer: {} }, () => [
    ...rules.flatMap(rule => removeRule(loadBalancer, listener, rule)),
    ...withoutLostRewrites(loadBalancer),
    ...withDefaultDomain(loadBalancer, listener, newDefault),
  ]);
}

/** By their ids, or by domain, or by domain and URL. */
function namedRules(listener: Listener, { LocationIds: ids, Domain, Url }: DeleteParameters) {
  if (ids) return [...new Set(ids)].map(id => ruleById(listener, id));
  if (Domain === undefined) {
    throw new ClbError('MissingParameter', 'One of `LocationIds` and `Domain` must name what is deleted.');
  }
  const found = [...listener.rules.values()].filter(
    ({ settings }) => settings.domain === Domain && (Url === undefined || settings.url === Url),
  );
  if (found.length > 0) return found;
  throw new ClbError('InvalidParameter.LocationNotFound', `Location ${Domain}${Url ?? ''} not exists.`);
}

export const ruleActions: Readonly<Record<string, Action>> = {
  CreateRule: action(createParameters, createRules),
  ModifyRule: action(modifyParameters, modifyRule),
  DeleteRule: action(deleteParameters, deleteRules),
};
