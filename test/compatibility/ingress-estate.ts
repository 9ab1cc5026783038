import type { Ingress, TkeServiceConfig } from '../../common/kube/objects.ts';
import { Estate } from '../simulation/load-balancers/estate.ts';
import { MERGE_PATCH, SERVICES } from '../simulation/manifests.ts';
import type { WorldOptions } from '../simulation/world.ts';

export const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
export const SECRETS = '/api/v1/namespaces/default/secrets';
export const TKE_SERVICE_CONFIGS = '/apis/cloud.tencent.com/v1alpha1/namespaces/default/tkeserviceconfigs';

/** Host, path, path type (default Prefix) and backend (default `web`). */
export type WrittenRule = readonly [host: string, path: string, backend?: string, pathType?: string];

export interface WrittenIngress {
  /** Default `clb-direct`; null: none. */
  readonly className?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rules?: readonly WrittenRule[];
  readonly defaultBackend?: string;
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName: string }[];
}

/** A forwarding rule as DescribeListeners and DescribeTargets tell it. */
export interface HeldRule {
  readonly port: number;
  readonly protocol: string;
  readonly domain: string;
  readonly url: string;
  readonly isDefault: boolean;
  readonly certificate: string;
  readonly rewritesTo: string;
  /** Names of the Deployments whose Pods get requests. */
  readonly open: readonly string[];
  /** Of all targets, sorted. */
  readonly weights: readonly number[];
}

/** More than is named here. */
type Described = Readonly<Record<string, unknown>>;

interface DescribedRule extends Described {
  readonly LocationId: string;
  readonly Domain: string;
  readonly Url: string;
  readonly DefaultServer?: boolean;
  readonly Certificate?: { readonly CertId?: string } | null;
  readonly RewriteTarget?: { readonly TargetLocationId?: string } | null;
}

interface DescribedListener extends Described {
  readonly ListenerId: string;
  readonly Port: number;
  readonly Protocol: string;
  readonly Rules: readonly DescribedRule[];
}

interface BoundListener {
  readonly Rules: readonly { readonly LocationId: string; readonly Targets: readonly BoundTarget[] }[];
}

interface BoundTarget {
  readonly Weight: number;
  readonly Tag?: string;
}

/** A whole system and a user who writes Ingresses. */
export class IngressEstate {
  readonly estate: Estate;

  constructor(estate: Estate) {
    this.estate = estate;
  }

  static async make(options: WorldOptions): Promise<IngressEstate> {
    return new IngressEstate(await Estate.make(options));
  }

  /** A Deployment of two Pods and its Service, which is for Ingresses alone. */
  async backend(name: string, ports: readonly object[] = [{ name: 'http', port: 80, targetPort: 80 }]): Promise<void> {
    const { world } = this.estate;
    await this.estate.deploy(name, { replicas: 2 });
    await world.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { selector: { app: name }, ports },
    });
  }

  async write(name: string, written: WrittenIngress): Promise<void> {
    await this.estate.world.create(INGRESSES, ingress(name, written));
  }

  async patch(name: string, patch: object): Promise<void> {
    await this.estate.world.request('PATCH', `${INGRESSES}/${name}`, patch, MERGE_PATCH);
  }

  async secret(name: string, certificateId: string, authorityId = ''): Promise<void> {
    const stringData = { qcloud_cert_id: certificateId, ...(authorityId && { qcloud_ca_cert_id: authorityId }) };
    const metadata = { name, namespace: 'default' };
    await this.estate.world.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, stringData });
  }

  async ingressOf(name: string): Promise<Ingress | undefined> {
    const { items } = (await this.estate.world.request('GET', INGRESSES)) as { items: Ingress[] };
    return items.find(({ metadata }) => metadata.name === name);
  }

  async configs(): Promise<readonly TkeServiceConfig[]> {
    return ((await this.estate.world.request('GET', TKE_SERVICE_CONFIGS)) as { items: TkeServiceConfig[] }).items;
  }

  /** The codes that the Ingress's Events carry, each once. */
  async codesOf(name: string): Promise<readonly string[]> {
    const own = (await this.estate.world.events()).filter(
      ({ involvedObject }) => involvedObject.kind === 'Ingress' && involvedObject.name === name,
    );
    return [...new Set(own.map(({ message }) => message.slice(0, 6)))].toSorted();
  }

  /** The rules of all load balancers. */
  rules(): readonly HeldRule[] {
    return this.estate.account.loadBalancers().flatMap(({ id }) => this.rulesOn(id));
  }

  /** The listeners of all load balancers, as CLB describes them. */
  listeners(): readonly DescribedListener[] {
    return this.estate.account.loadBalancers().flatMap(({ id }) => this.#listenersOf(id));
  }

  /** The forwarding rules of all load balancers, as CLB describes them. */
  described(): readonly DescribedRule[] {
    return this.listeners().flatMap(({ Rules }) => Rules ?? []);
  }

  rulesOn(loadBalancerId: string): readonly HeldRule[] {
    const query = { LoadBalancerId: loadBalancerId };
    const { elsewhere } = this.estate.world.clb;
    const bound = elsewhere.writeAtOnce('DescribeTargets', query) as { Listeners: BoundListener[] };
    const targets = new Map(
      bound.Listeners.flatMap(each => each.Rules ?? []).map(rule => [rule.LocationId, rule.Targets]),
    );
    return this.#listenersOf(loadBalancerId).flatMap(listener =>
      (listener.Rules ?? []).map(rule => held(listener, rule, targets.get(rule.LocationId) ?? [])),
    );
  }

  #listenersOf(loadBalancerId: string): readonly DescribedListener[] {
    const { elsewhere } = this.estate.world.clb;
    const query = { LoadBalancerId: loadBalancerId };
    return (elsewhere.writeAtOnce('DescribeListeners', query) as { Listeners: DescribedListener[] }).Listeners;
  }

  /** `HTTP:80 a.com/ -> web`, sorted: what people ask first. */
  routes(): readonly string[] {
    return this.rules()
      .map(({ protocol, port, domain, url, open }) => `${protocol}:${port} ${domain}${url} -> ${open.join(',')}`)
      .toSorted();
  }

  /** @returns the address of the only load balancer, once it has one */
  async untilAddress(): Promise<string> {
    const address = () => this.estate.account.loadBalancers()[0]?.vips[0];
    await this.estate.until('there is a load balancer with an address', () => address() !== undefined);
    return address() ?? '';
  }

  async untilRoutes(expected: readonly string[]): Promise<void> {
    const sorted = expected.toSorted();
    const isSo = () => this.routes().join('\n') === sorted.join('\n');
    await this.estate.until(`routes ${sorted.join('; ')}, and not ${this.routes().join('; ')}`, isSo);
  }
}

function held(listener: DescribedListener, rule: DescribedRule, targets: readonly BoundTarget[]): HeldRule {
  const open = targets.filter(({ Weight }) => Weight > 0).map(({ Tag = '' }) => deploymentOf(Tag));
  return {
    port: listener.Port,
    protocol: listener.Protocol,
    domain: rule.Domain,
    url: rule.Url,
    isDefault: rule.DefaultServer === true,
    certificate: rule.Certificate?.CertId ?? '',
    rewritesTo: rule.RewriteTarget?.TargetLocationId ?? '',
    open: [...new Set(open)].toSorted(),
    weights: targets.map(({ Weight }) => Weight).toSorted((a, b) => a - b),
  };
}

/** `cd1:<cluster>:<namespace>/<name>:<pod uid>`: Pods are named after their Deployment. */
function deploymentOf(tag: string): string {
  return (tag.split(':')[2] ?? '').split('/')[1]?.replace(/-[a-z0-9]+-[a-z0-9]+$/, '') ?? '';
}

function ingress(name: string, written: WrittenIngress): Ingress {
  const { className = 'clb-direct', annotations = {}, rules = [], defaultBackend, tls } = written;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'default', annotations },
    spec: {
      ...(className !== null && { ingressClassName: className }),
      ...(defaultBackend !== undefined && {
        defaultBackend: { service: { name: defaultBackend, port: { number: 80 } } },
      }),
      ...(tls && { tls: tls.map(({ hosts, secretName }) => ({ secretName, ...(hosts && { hosts: [...hosts] }) })) }),
      rules: rules.map(([host, path, backend = 'web', pathType = 'Prefix']) => ({
        ...(host && { host }),
        http: { paths: [{ path, pathType, backend: { service: { name: backend, port: { number: 80 } } } }] },
      })),
    },
  };
}
