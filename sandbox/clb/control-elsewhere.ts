import { ClbError } from './clb-error.ts';
import { countOf } from './control-quantities.ts';
import type { LoadBalancerEdit, LoadBalancerSeed } from './new-load-balancer.ts';
import { flag, ipAddress, list, object, oneOf, type Parse, text } from './parameters.ts';

/** Bodies of the control endpoint about what others do, checked as strictly as those of the API. */

const NAMES_MAX = 10_000;

const editFields = {
  name: text({ minLength: 1 }),
  tags: list(object({ required: { TagKey: text(), TagValue: text() }, optional: {} }), 0, 20),
  deleteProtected: flag,
  hasTraffic: flag,
  targetQuota: countOf(0),
};

const seedParameters = object({
  required: {},
  optional: {
    ...editFields,
    id: text({ minLength: 1 }),
    vpcId: text({ minLength: 1 }),
    address: oneOf('vip', 'domain', 'vip-and-domain'),
    ipv6Vip: ipAddress,
  },
});

/** @throws ClbError */
export function parseSeed(body: unknown): LoadBalancerSeed {
  return seedParameters(body, '');
}

const editParameters = object({ required: { id: text({ minLength: 1 }) }, optional: editFields });

/** @throws ClbError */
export function parseEdit(body: unknown): { readonly id: string; readonly edit: LoadBalancerEdit } {
  const { id, ...edit } = editParameters(body, '');
  return { id, edit };
}

const namesParameters = object({ required: { names: list(text({ minLength: 1 }), 1, NAMES_MAX) }, optional: {} });

/** Addresses and instance ids. @throws ClbError */
export function parseNames(body: unknown): readonly string[] {
  return namesParameters(body, '').names;
}

const anyObject: Parse<object> = (value, path) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ClbError('InvalidParameter', `\`${path}\` must be an object.`);
};

const callParameters = object({
  required: { action: text({ minLength: 1 }), parameters: anyObject },
  optional: { atOnce: flag },
});

/** @throws ClbError */
export const parseCall = (body: unknown) => callParameters(body, '');
