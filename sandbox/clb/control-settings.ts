import { isIPv4 } from 'node:net';
import { ClbError } from './clb-error.ts';
import { countOf, DURATION_MAX_MS, ms } from './control-quantities.ts';
import { flag, integer, object, oneOf, type Parse } from './parameters.ts';
import type { ClbSettings } from './settings.ts';

const count = countOf(0);

/** Instance ids, each with its private address; no two with the same. */
const instances: Parse<Readonly<Record<string, string>>> = (value, path) => {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const addresses = entries.map(([, address]) => address);
  const areRight = addresses.every(address => typeof address === 'string' && isIPv4(address));
  if (areRight && new Set(addresses).size === addresses.length) return Object.fromEntries(entries);
  throw new ClbError('InvalidParameterValue', `${path} must give each instance id an IPv4 address of its own.`);
};

const latency = object({
  required: {},
  optional: {
    readMs: ms,
    acceptMs: ms,
    batchBaseMs: ms,
    batchPerTargetMs: ms,
    singleBaseMs: ms,
    singlePerTargetMs: ms,
    listenerBaseMs: ms,
    listenerPerItemMs: ms,
    ruleBaseMs: ms,
    rulePerItemMs: ms,
    createLoadBalancerMs: ms,
    deleteLoadBalancerMs: ms,
    busyTailMaxMs: ms,
  },
});

const quota = object({
  required: {},
  optional: {
    openLoadBalancers: count,
    internalLoadBalancers: count,
    listenersPerLoadBalancer: count,
    rulesPerListener: count,
    targetsPerListener: count,
    requestsPerSecond: count,
  },
});

const manners = object({
  required: {},
  optional: {
    registerExisting: oneOf('keep', 'update', 'error'),
    missingTarget: oneOf('ignore', 'error'),
    unknownListener: oneOf('fail-set', 'fail-call'),
    createAnswersIds: oneOf('always', 'never', 'sometimes'),
    loadBalancerAddress: oneOf('vip', 'domain', 'vip-and-domain'),
    defaultDomainRemoval: oneOf('error', 'pass-on'),
    tagsReturned: flag,
    tagLengthMax: count,
  },
});

const forwarding = object({
  required: {},
  optional: { delayMinMs: integer(0, DURATION_MAX_MS), delayMaxMs: integer(0, DURATION_MAX_MS) },
});

const settingsParameters = object({ required: {}, optional: { instances, latency, quota, manners, forwarding } });

/** `current` with what the body says changed; instances as a whole. @throws ClbError */
export function changedSettings(current: ClbSettings, body: unknown): ClbSettings {
  const given = settingsParameters(body, '');
  const settings = {
    ...current,
    instances: given.instances ?? current.instances,
    latency: { ...current.latency, ...given.latency },
    quota: { ...current.quota, ...given.quota },
    manners: { ...current.manners, ...given.manners },
    forwarding: { ...current.forwarding, ...given.forwarding },
  };
  if (settings.forwarding.delayMinMs <= settings.forwarding.delayMaxMs) return settings;
  throw new ClbError('InvalidParameterValue', 'forwarding.delayMinMs must not exceed forwarding.delayMaxMs');
}
