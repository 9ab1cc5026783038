import { ClbError } from './clb-error.ts';
import type { Fault } from './faults.ts';
import type { LoadBalancerSeed } from './load-balancer-actions.ts';
import { flag, integer, list, object, oneOf, type Parse, text } from './parameters.ts';
import type { ClbSettings } from './settings.ts';

/** Bodies of the control endpoint, checked as strictly as those of the API. */

function quantity(high: number): Parse<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= 0 && value <= high) return value;
    throw new ClbError('InvalidParameterValue', `${path} must be a number from 0 to ${high}.`);
  };
}

const DURATION_MAX_MS = 3_600_000;
const ms = quantity(DURATION_MAX_MS);
const count = integer(0, 1_000_000);

const faultParameters = object({
  required: {
    action: text({ minLength: 1 }),
    kind: oneOf('error', 'late-error', 'delay', 'delay-reply', 'lose-reply', 'do-nothing', 'fail-task'),
  },
  optional: {
    code: text({ minLength: 1 }),
    message: text(),
    delayMs: ms,
    count: integer(1, 1_000_000),
    probability: quantity(1),
  },
});

/** @throws ClbError when the fault is not one. */
export function parseFault(body: unknown): Fault {
  const { kind, code, message, delayMs, ...common } = faultParameters(body, '');
  switch (kind) {
    case 'error':
    case 'late-error':
      if (code === undefined) throw new ClbError('MissingParameter', `a fault of kind ${kind} needs \`code\``);
      return { ...common, kind, code, ...(message === undefined ? {} : { message }) };
    case 'delay':
    case 'delay-reply':
      if (delayMs === undefined) throw new ClbError('MissingParameter', `a fault of kind ${kind} needs \`delayMs\``);
      return { ...common, kind, delayMs };
    case 'lose-reply':
    case 'do-nothing':
    case 'fail-task':
      return { ...common, kind };
  }
}

const settingsParameters = object({
  required: {},
  optional: {
    latency: object({
      required: {},
      optional: {
        readMs: ms,
        acceptMs: ms,
        batchBaseMs: ms,
        batchPerTargetMs: ms,
        listenerBaseMs: ms,
        listenerPerItemMs: ms,
        createLoadBalancerMs: ms,
        deleteLoadBalancerMs: ms,
        busyTailMaxMs: ms,
      },
    }),
    quota: object({
      required: {},
      optional: {
        openLoadBalancers: count,
        internalLoadBalancers: count,
        listenersPerLoadBalancer: count,
        targetsPerListener: count,
        requestsPerSecond: count,
      },
    }),
    manners: object({
      required: {},
      optional: {
        registerExisting: oneOf('keep', 'update', 'error'),
        missingTarget: oneOf('ignore', 'error'),
        unknownListener: oneOf('fail-set', 'fail-call'),
        createAnswersIds: oneOf('always', 'never', 'sometimes'),
        tagsReturned: flag,
        tagLengthMax: count,
      },
    }),
    forwarding: object({
      required: {},
      optional: { delayMinMs: integer(0, DURATION_MAX_MS), delayMaxMs: integer(0, DURATION_MAX_MS) },
    }),
  },
});

/** `current` with what the body says changed. @throws ClbError */
export function changedSettings(current: ClbSettings, body: unknown): ClbSettings {
  const { latency, quota, manners, forwarding } = settingsParameters(body, '');
  const settings = {
    ...current,
    latency: { ...current.latency, ...latency },
    quota: { ...current.quota, ...quota },
    manners: { ...current.manners, ...manners },
    forwarding: { ...current.forwarding, ...forwarding },
  };
  if (settings.forwarding.delayMinMs <= settings.forwarding.delayMaxMs) return settings;
  throw new ClbError('InvalidParameterValue', 'forwarding.delayMinMs must not exceed forwarding.delayMaxMs');
}

const seedParameters = object({
  required: {},
  optional: {
    id: text({ minLength: 1 }),
    name: text({ minLength: 1 }),
    vpcId: text({ minLength: 1 }),
    tags: list(object({ required: { TagKey: text(), TagValue: text() }, optional: {} }), 0, 20),
    deleteProtected: flag,
  },
});

/** @throws ClbError */
export function parseSeed(body: unknown): LoadBalancerSeed {
  return seedParameters(body, '');
}
