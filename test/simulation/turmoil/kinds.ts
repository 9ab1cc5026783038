import { API_TROUBLES } from './api-troubles.ts';
import { CHANGES } from './changes.ts';
import { CLOUD_TROUBLES } from './cloud-troubles.ts';
import { LYING_AGENT } from './lying-agent.ts';
import { NETWORK_TROUBLES } from './network-troubles.ts';
import { NODE_TROUBLES } from './node-troubles.ts';
import { PROCESS_TROUBLES } from './process-troubles.ts';
import type { Kind, Kinds } from './trouble.ts';

/** Everything that can go wrong. */
export const TROUBLES = {
  ...CLOUD_TROUBLES,
  ...NETWORK_TROUBLES,
  ...PROCESS_TROUBLES,
  ...API_TROUBLES,
  ...NODE_TROUBLES,
  ...LYING_AGENT,
} satisfies Kinds;

/** What can go wrong in a run, by the name that one asks for it. */
export const FAMILIES = {
  turmoil: TROUBLES,
  bearable: Object.fromEntries(Object.entries<Kind>(TROUBLES).filter(([, kind]) => kind.isBearable)),
  cloud: CLOUD_TROUBLES,
  network: NETWORK_TROUBLES,
  processes: PROCESS_TROUBLES,
  machines: NODE_TROUBLES,
  lies: LYING_AGENT,
} satisfies Readonly<Record<string, Kinds>>;

export type Family = keyof typeof FAMILIES;

export function isFamily(name: string): name is Family {
  return Object.hasOwn(FAMILIES, name);
}

export { CHANGES };
