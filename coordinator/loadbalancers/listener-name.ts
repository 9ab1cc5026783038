/** Whose a listener is can be read off its name; all of ours, of whatever cluster, begin alike. */
const PREFIX = 'clb-direct-';

/** Of a listener on layer 4, which is one Service's: `clb-direct-<cluster>-<first 8 of the Service's UID>`. */
export function listenerName(cluster: string, serviceUid: string): string {
  return `${PREFIX}${cluster}-${serviceUid.slice(0, 8)}`;
}

/** Of a listener on layer 7, whose forwarding rules may be those of several objects. No UID begins like that. */
export function sharedListenerName(cluster: string): string {
  return `${PREFIX}${cluster}-l7`;
}

/** Made by an instance of clb-direct, in this cluster or another one. */
export function isMadeByUs(name: string): boolean {
  return name.startsWith(PREFIX);
}
