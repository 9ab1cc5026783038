import {
  CUSTOM_WEIGHT_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
} from '../../../common/names.ts';
import { type Random, randomInteger } from '../../../common/random.ts';
import {
  DEPLOYMENTS,
  deployment,
  MERGE_PATCH,
  portList,
  restartPatch,
  SERVICES,
  type ServicePort,
  service,
} from '../manifests.ts';
import { pick } from '../pick.ts';
import type { World } from '../world.ts';
import type { Chronicle } from './chronicle.ts';

const APPS = ['red', 'green', 'blue'];
const SERVICE_NAMES = ['s1', 's2', 's3', 's4', 's5'];
const PORTS = [80, 81, 82];
const TARGET_PORTS = [80, 8080];
const WEIGHTS = ['0', '1', '20', '100', null];
const REPLICAS = [0, 4] as const;
/** Selects nothing. */
const NOBODY = 'nobody';

interface UsersOptions {
  readonly world: World;
  readonly random: Random;
  readonly chronicle: Chronicle;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
}

/** Everybody who has a `kubectl`: changes Services, Deployments and Pods, one thing after another, without a plan. */
export class Users {
  readonly told: string[] = [];
  readonly #options: UsersOptions;

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    for (const app of APPS) await this.#createDeployment(app);
    for (const name of SERVICE_NAMES.slice(0, 3)) await this.#createService(name);
  }

  async changeSomething(): Promise<void> {
    const name = this.#pick(SERVICE_NAMES);
    const app = this.#pick(APPS);
    const changes: readonly (() => Promise<void>)[] = [
      () => this.#createService(name),
      () => this.#createService(name),
      () => this.#do('DELETE', `${SERVICES}/${name}`),
      () => this.#changePorts(name, ports => [...ports, this.#port()]),
      () => this.#changePorts(name, ports => ports.slice(1)),
      () => this.#changePorts(name, ports => ports.map(port => ({ ...port, targetPort: this.#pick(TARGET_PORTS) }))),
      () => this.#patchService(name, { spec: { selector: { app: this.#pick([...APPS, ...APPS, NOBODY]) } } }),
      () => this.#patchService(name, { spec: { selector: { app: this.#pick(APPS) } } }),
      () => this.#annotate(name, EXISTING_LOAD_BALANCER_ANNOTATION, this.#choice()),
      () => this.#annotate(name, EXISTING_LOAD_BALANCER_ANNOTATION, this.#choice()),
      () => this.#annotate(name, DIRECT_ACCESS_ANNOTATION, this.#pick(['true', 'true', 'false'])),
      () => this.#weighPod(),
      () => this.#weighPod(),
      () => this.#patchDeployment(app, { spec: { replicas: this.#draw(REPLICAS) } }),
      () => this.#patchDeployment(app, { spec: { replicas: this.#draw(REPLICAS) } }),
      () => this.#patchDeployment(app, restartPatch(this.#options.world.clock.now())),
      () => this.#patchDeployment(app, restartPatch(this.#options.world.clock.now())),
      () => this.#weighTemplate(app),
      () => this.#do('DELETE', `${DEPLOYMENTS}/${app}`),
      () => this.#createDeployment(app),
      () => this.#createDeployment(app),
      () => this.#deletePod(),
      () => this.#deletePod(),
    ];
    await this.#pick(changes)();
  }

  async #createDeployment(app: string): Promise<void> {
    await this.#do('POST', DEPLOYMENTS, deployment(app, { replicas: this.#draw([1, REPLICAS[1]]), hooked: true }));
  }

  async #createService(name: string): Promise<void> {
    const existing = this.#choice();
    const annotations: Record<string, string> =
      existing === null ? {} : { [EXISTING_LOAD_BALANCER_ANNOTATION]: existing };
    const made = service(name, annotations, distinct([this.#port(), this.#port()])) as { spec: object };
    await this.#do('POST', SERVICES, { ...made, spec: { ...made.spec, selector: { app: this.#pick(APPS) } } });
  }

  /** At random one of the load balancers that are there, or none: then one is made. */
  #choice(): string | null {
    return this.#pick([...this.#options.shared, null]);
  }

  #port(): Required<ServicePort> {
    const protocol = this.#pick(['TCP', 'TCP', 'UDP'] as const);
    return { port: this.#pick(PORTS), protocol, targetPort: this.#pick(TARGET_PORTS) };
  }

  async #changePorts(name: string, change: (ports: readonly ServicePort[]) => readonly ServicePort[]): Promise<void> {
    const { chronicle, world } = this.#options;
    const found = chronicle.services.at(world.clock.wallNow()).find(({ metadata }) => metadata.name === name);
    const before = (found?.spec.ports ?? []).map(({ port, protocol = 'TCP', targetPort = port }) => ({
      port,
      protocol,
      targetPort,
    }));
    const ports = distinct(change(before));
    if (ports.length > 0) await this.#patchService(name, { spec: { ports: portList(ports) } });
  }

  async #annotate(name: string, annotation: string, value: string | null): Promise<void> {
    await this.#patchService(name, { metadata: { annotations: { [annotation]: value } } });
  }

  async #weighTemplate(app: string): Promise<void> {
    const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: this.#pick(WEIGHTS) };
    await this.#patchDeployment(app, { spec: { template: { metadata: { annotations } } } });
  }

  async #weighPod(): Promise<void> {
    const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: this.#pick(WEIGHTS) };
    await this.#onPod(path => this.#do('PATCH', path, { metadata: { annotations } }));
  }

  async #deletePod(): Promise<void> {
    await this.#onPod(path => this.#do('DELETE', path));
  }

  async #onPod(act: (path: string) => Promise<void>): Promise<void> {
    const { chronicle, world } = this.#options;
    const pods = chronicle.pods.at(world.clock.wallNow());
    const names = pods.flatMap(({ metadata }) => (APPS.includes(metadata.labels?.app ?? '') ? metadata.name : []));
    if (names.length > 0) await act(`/api/v1/namespaces/default/pods/${this.#pick(names.toSorted())}`);
  }

  async #patchService(name: string, patch: object): Promise<void> {
    await this.#do('PATCH', `${SERVICES}/${name}`, patch);
  }

  async #patchDeployment(name: string, patch: object): Promise<void> {
    await this.#do('PATCH', `${DEPLOYMENTS}/${name}`, patch);
  }

  /** What does not exist, or exists already, is the user's mistake, and changes nothing. */
  async #do(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<void> {
    const { world } = this.#options;
    const { status, body: answer } = await world.attempt(
      method,
      path,
      body,
      method === 'PATCH' ? MERGE_PATCH : undefined,
    );
    if (status >= 300) {
      if (status !== 404 && status !== 409)
        throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${status} ${JSON.stringify(answer)}`);
      return;
    }
    this.told.push(`${(world.clock.now() / 1_000).toFixed(1)} s: ${method} ${path} ${JSON.stringify(body)}`);
  }

  #draw(range: readonly [number, number]): number {
    return randomInteger(this.#options.random, ...range);
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#options.random, choices);
  }
}

/** A Service has each port of a protocol once. */
function distinct(ports: readonly ServicePort[]): readonly ServicePort[] {
  return [...new Map(ports.map(port => [`${port.protocol}:${port.port}`, port])).values()];
}
