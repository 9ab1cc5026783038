import { INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../../../common/names.ts';
import type { Random } from '../../../common/random.ts';
import { INGRESSES, SECRETS, TKE_SERVICE_CONFIGS } from '../../compatibility/ingress-estate.ts';
import { MERGE_PATCH, SERVICES } from '../manifests.ts';
import { pick } from '../pick.ts';
import type { World } from '../world.ts';
import type { Chronicle } from './chronicle.ts';
import { CLASS, CONFIG, EXISTING, LISTEN_PORTS } from './desired-forwarding.ts';
import type { Tuning } from './manifest-chronicle.ts';

const NAMES = ['i1', 'i2', 'i3'];
const HOSTS = ['a.com', 'd.c.com', '*.c.com', ''];
const PATHS = ['/', '/x'];
const PATH_TYPES = ['Prefix', 'Prefix', 'Exact'];
/** Services for Ingresses alone, named after the Pods that they select; the last one does not exist. */
const BACKENDS = ['red', 'green', 'blue', 'ghost'];
/** None that Services have: those win or lose the whole port. */
const HTTP_PORT = 8_080;
const HTTPS_PORT = 8_443;
const LISTENS = [[{ HTTP: HTTP_PORT }], [{ HTTPS: HTTPS_PORT }], [{ HTTP: HTTP_PORT }, { HTTPS: HTTPS_PORT }]];
const SECRET_NAMES = ['tls-1', 'tls-2'];
const CERTIFICATE_IDS = ['cert-a', 'cert-b', 'cert-c'];
const CONFIG_NAMES = ['settings-1', 'settings-2'];
const SERVICE_NAMES = ['s1', 's2', 's3', 's4', 's5'];
const PORTS = [80, 81, 82];
const WEIGHTS = ['1', '20', null];

interface IngressUsersOptions {
  readonly world: World;
  readonly random: Random;
  readonly chronicle: Chronicle;
  /** The ids of the load balancers that Services and Ingresses may share. */
  readonly shared: readonly string[];
}

/** Those who write Ingresses, TkeServiceConfigs and certificates, and change them without a plan. */
export class IngressUsers {
  readonly told: string[] = [];
  readonly #options: IngressUsersOptions;

  constructor(options: IngressUsersOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    for (const name of BACKENDS.slice(0, 3)) await this.#createBackend(name);
    for (const name of SECRET_NAMES) await this.#createSecret(name);
    for (const name of CONFIG_NAMES) await this.#createConfig(name);
    for (const name of NAMES.slice(0, 2)) await this.#createIngress(name);
    for (const name of SERVICE_NAMES) await this.#configureService(name);
  }

  async changeSomething(): Promise<void> {
    const name = this.#pick(NAMES);
    const path = `${INGRESSES}/${name}`;
    const secret = this.#pick(SECRET_NAMES);
    const config = this.#pick(CONFIG_NAMES);
    const changes: readonly (() => Promise<void>)[] = [
      () => this.#createIngress(name),
      () => this.#createIngress(name),
      () => this.#do('DELETE', path),
      () => this.#do('PATCH', path, { spec: { rules: this.#rules() } }),
      () => this.#do('PATCH', path, { spec: { rules: this.#rules() } }),
      () => this.#do('PATCH', path, { spec: { tls: this.#tls() } }),
      () => this.#do('PATCH', path, { spec: { ingressClassName: this.#pick([CLASS, CLASS, 'another']) } }),
      () => this.#annotate(path, { [EXISTING]: this.#choice() }),
      () => this.#annotate(path, { [LISTEN_PORTS]: this.#listens() }),
      () => this.#annotate(path, { [CONFIG.Ingress]: this.#pick([...CONFIG_NAMES, 'missing', null]) }),
      () => this.#configureService(this.#pick(SERVICE_NAMES)),
      () => this.#configureService(this.#pick(SERVICE_NAMES)),
      () => this.#createSecret(secret),
      () => this.#do('PATCH', `${SECRETS}/${secret}`, { stringData: { qcloud_cert_id: this.#pick(CERTIFICATE_IDS) } }),
      () => this.#do('DELETE', `${SECRETS}/${secret}`),
      () => this.#createConfig(config),
      () => this.#do('PATCH', `${TKE_SERVICE_CONFIGS}/${config}`, { spec: { loadBalancer: this.#section() } }),
      () => this.#do('DELETE', `${TKE_SERVICE_CONFIGS}/${config}`),
      () => this.#createBackend(this.#pick(BACKENDS.slice(0, 3))),
      () => this.#do('DELETE', `${SERVICES}/${this.#pick(BACKENDS)}`),
      () => this.#weighPod(),
    ];
    await this.#pick(changes)();
  }

  async #createBackend(name: string): Promise<void> {
    await this.#do('POST', SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 80 }] },
    });
  }

  async #createSecret(name: string): Promise<void> {
    const stringData = { qcloud_cert_id: this.#pick(CERTIFICATE_IDS) };
    const metadata = { name, namespace: 'default' };
    await this.#do('POST', SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, stringData });
  }

  async #createConfig(name: string): Promise<void> {
    const metadata = { name, namespace: 'default' };
    await this.#do('POST', TKE_SERVICE_CONFIGS, { metadata, spec: { loadBalancer: this.#section() } });
  }

  async #configureService(name: string): Promise<void> {
    await this.#annotate(`${SERVICES}/${name}`, { [CONFIG.Service]: this.#pick([...CONFIG_NAMES, null]) });
  }

  async #createIngress(name: string): Promise<void> {
    const existing = this.#choice();
    const config = this.#pick([...CONFIG_NAMES, null]);
    const annotations = {
      [LISTEN_PORTS]: this.#listens(),
      ...(existing && { [EXISTING]: existing }),
      ...(config && { [CONFIG.Ingress]: config }),
    };
    await this.#do('POST', INGRESSES, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, namespace: 'default', annotations },
      spec: { ingressClassName: CLASS, rules: this.#rules(), tls: this.#tls() },
    });
  }

  /** One to three hosts and paths, each once. */
  #rules(): object[] {
    const rules = Array.from({ length: this.#pick([1, 2, 3]) }, () => {
      const [host, path] = [this.#pick(HOSTS), this.#pick(PATHS)];
      const backend = { service: { name: this.#pick(BACKENDS), port: { number: 80 } } };
      const pathType = this.#pick(PATH_TYPES);
      const rule = { ...(host && { host }), http: { paths: [{ path, pathType, backend }] } };
      return [`${host}${pathType === 'Exact' ? '=' : ''}${path}`, rule] as const;
    });
    return [...new Map(rules).values()];
  }

  #tls(): object[] {
    const all = { secretName: this.#pick(SECRET_NAMES) };
    const one = { secretName: this.#pick(SECRET_NAMES), hosts: [this.#pick(['a.com', '*.c.com'])] };
    return this.#pick([[all], [all, one], [one]]);
  }

  #listens(): string {
    return JSON.stringify(this.#pick(LISTENS));
  }

  /** At random one of the load balancers that are there, or none: then one is made. */
  #choice(): string | null {
    return this.#pick([...this.#options.shared, null]);
  }

  /** Something about every place that there may be. */
  #section(): object {
    const tunedRules = () => PATHS.map(url => ({ url, ...this.#tuning() }));
    const domains = () => HOSTS.map(domain => ({ domain, rules: tunedRules() }));
    const l4Listeners = ['TCP', 'UDP'].flatMap(protocol => PORTS.map(port => ({ protocol, port, ...this.#tuning() })));
    const l7Listeners = [
      { protocol: 'HTTP', port: HTTP_PORT, domains: domains() },
      { protocol: 'HTTPS', port: HTTPS_PORT, domains: domains() },
    ];
    return { l4Listeners, l7Listeners };
  }

  #tuning(): Tuning {
    const scheduler = this.#pick(['WRR', 'LEAST_CONN', undefined]);
    const intervalTime = this.#pick([5, 7, 11, undefined]);
    return { ...(scheduler && { scheduler }), ...(intervalTime && { healthCheck: { intervalTime } }) };
  }

  async #weighPod(): Promise<void> {
    const { chronicle, world } = this.#options;
    const own = chronicle.pods
      .at(world.clock.wallNow())
      .filter(({ metadata }) => BACKENDS.includes(metadata.labels?.app ?? ''));
    const names = own.map(({ metadata }) => metadata.name).toSorted();
    if (names.length === 0) return;
    const annotations = { [INGRESS_CUSTOM_WEIGHT_ANNOTATION]: this.#pick(WEIGHTS) };
    await this.#annotate(`/api/v1/namespaces/default/pods/${this.#pick(names)}`, annotations);
  }

  async #annotate(path: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#do('PATCH', path, { metadata: { annotations } });
  }

  /** What does not exist, or exists already, is the user's mistake, and changes nothing. */
  async #do(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<void> {
    const { world } = this.#options;
    const contentType = method === 'PATCH' ? MERGE_PATCH : undefined;
    const { status, body: answer } = await world.attempt(method, path, body, contentType);
    if (status === 404 || status === 409) return;
    if (status >= 300)
      throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${status} ${JSON.stringify(answer)}`);
    this.told.push(`${(world.clock.now() / 1_000).toFixed(1)} s: ${method} ${path} ${JSON.stringify(body)}`);
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#options.random, choices);
  }
}
