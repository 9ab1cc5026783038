import type { Listener } from '../cloud/types.ts';
import { ruleLabel } from '../core/rule.ts';
import { isMadeByUs } from './listener-name.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { RuleIntent } from './service-intent.ts';

/** Why a Service does not get a port of a load balancer. */

export function occupied(rule: RuleIntent, { id, name }: Listener): Problem {
  const step = isMadeByUs(name)
    ? 'It belongs to another instance of clb-direct, or to a Service that is no more. Use another port, or remove it.'
    : 'Use another port, remove that listener, or let the Service use it with the annotation ' +
      'clb-direct.io/adopt-listener: "true".';
  return problem('CD1005', `${subject(rule)}: listener ${id} ("${name}") already has it and is not ours. ${step}`);
}

export function taken(rule: RuleIntent, owner: RuleIntent['service']): Problem {
  return problem(
    'CD1006',
    `${subject(rule)}: ${ownerName(owner)} has it on the same load balancer. Use another port or another ` +
      'load balancer for one of them.',
  );
}

export function takenByAnotherLayer(rule: RuleIntent, { id, protocol }: Listener): Problem {
  return problem(
    'CD1006',
    `${subject(rule)}: listener ${id} has it for ${protocol}, which several objects may share. Use another port, or ` +
      'another load balancer for one of them.',
  );
}

export function wrongProtocol(rule: RuleIntent, { id, name, protocol }: Listener): Problem {
  return problem(
    'CD1009',
    `${subject(rule)}: listener ${id} ("${name}"), which it is to adopt, speaks ${protocol}, and the port is ` +
      `${rule.forwarding?.scheme ?? ruleLabel(rule).split(':')[0]}. Use another port, or a listener whose protocol fits.`,
  );
}

function subject(rule: RuleIntent): string {
  const { service, forwarding } = rule;
  const place = forwarding && `, ${forwarding.domain || 'any host'} ${forwarding.url},`;
  return `Port ${ruleLabel(rule)}${place ?? ''} of ${ownerName(service)} cannot be served`;
}
