import { API_TROUBLES } from './api-troubles.ts';
import { CHANGES } from './changes.ts';
import { CLOUD_TROUBLES } from './cloud-troubles.ts';
import { LYING_AGENT } from './lying-agent.ts';
import { NETWORK_TROUBLES } from './network-troubles.ts';
import { NODE_TROUBLES } from './node-troubles.ts';
import { PROCESS_TROUBLES } from './process-troubles.ts';
import type { Kinds } from './trouble.ts';

/** Everything that can go wrong. */
export const TROUBLES: Kinds = {
  ...CLOUD_TROUBLES,
  ...NETWORK_TROUBLES,
  ...PROCESS_TROUBLES,
  ...API_TROUBLES,
  ...NODE_TROUBLES,
  ...LYING_AGENT,
};

export { CHANGES };
