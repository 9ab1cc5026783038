import { randomUUID } from 'node:crypto';

/** A token for one Pod's loopback hook: who can guess it can have the Pod taken out of its load balancers. */
export function newHookToken(): string {
  return randomUUID();
}
