import { type ApiObject, objectOf, objectsOf, stringOf, valueAt } from './json.ts';

/** What `kubectl get ingress` shows, word for word as the real server's printer has it. */

/** The class, by field or by the older annotation. */
export function ingressClass(ingress: ApiObject): string {
  const named = stringOf(objectOf(ingress.spec).ingressClassName);
  return named || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] || '<none>';
}

export function ingressHosts(ingress: ApiObject): string {
  const hosts = objectsOf(objectOf(ingress.spec).rules)
    .map(({ host }) => stringOf(host))
    .filter(Boolean);
  const shown = hosts.slice(0, HOSTS_SHOWN).join(',');
  if (hosts.length > HOSTS_SHOWN) return `${shown} + ${hosts.length - HOSTS_SHOWN} more...`;
  return shown || '*';
}

const HOSTS_SHOWN = 3;

export function ingressAddresses(ingress: ApiObject): string {
  const addresses = objectsOf(valueAt(ingress, 'status', 'loadBalancer', 'ingress'));
  return addresses.map(({ ip, hostname }) => stringOf(ip) || stringOf(hostname)).join(',');
}

export function ingressPorts(ingress: ApiObject): string {
  return objectsOf(objectOf(ingress.spec).tls).length > 0 ? '80, 443' : '80';
}
