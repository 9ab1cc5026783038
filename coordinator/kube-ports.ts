import type { Clock } from '../common/clock.ts';
import { deadline } from '../common/deadline.ts';
import { create, get, list, patch } from '../common/kube/client.ts';
import type { KubeObject, Pod, Service } from '../common/kube/objects.ts';
import { podPath, resourcePath, servicePath } from '../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../common/kube/transport.ts';
import type { Logger } from '../common/logger.ts';
import { FINALIZER, LOAD_BALANCER_ID_ANNOTATION, READINESS_GATE } from '../common/names.ts';
import { type Random, randomUuid } from '../common/random.ts';
import { WorkQueue } from '../common/work-queue.ts';
import { runWorkers } from '../common/workers.ts';
import type { DrainUpdate } from '../proto/gen/clbdirect/v1/report.ts';
import type { PodView } from './core/cluster-view.ts';
import type { Mark } from './core/mark.ts';
import type { Knowledge } from './knowledge.ts';
import { type ServiceRecord, serviceRecord } from './kube/service-reflector.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { LeaderWork } from './leader-work.ts';
import type { Problem } from './loadbalancers/problem.ts';
import { agreesWithReport } from './pod-agreement.ts';
import type { ReportServer } from './reports/report-server.ts';

export interface KubePortsEdges {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeTransport;
  readonly log: Logger;
}

export interface KubePortsOptions {
  readonly namespace: string;
  /** Name of this replica: the source of its Events. */
  readonly name: string;
  readonly reports: Pick<ReportServer, 'sendDrainUpdate'>;
  readonly knowledge: Knowledge;
}

const KEYS_MAX = 100_000;
const CONCURRENCY = 50;
const REQUEST_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 200, maximumMs: 30_000 } as const;
/** The same problem of the same object is written again only after this. */
const EVENT_REPEAT_MS = 300_000;
/** An orphan whose Pod turned out to live is not asked for again before this. */
const PROVE_AGAIN_MS = 30_000;
const REMEMBERED_MAX = 20_000;
const TKE_CONFIGURATION = { namespace: 'kube-system', name: 'tke-service-controller-config' };
const TKE_CHECK_MS = 60_000;

type Task = (signal: AbortSignal) => Promise<void>;

/** A leader's hands on the Kubernetes API: every call queues a task under a key, the last one of a key counts. */
export class KubePorts implements LeaderPorts {
  readonly #edges: KubePortsEdges;
  readonly #options: KubePortsOptions;
  readonly #queue: WorkQueue;
  readonly #tasks = new Map<string, Task>();
  /** What was last asked for under a key and has not failed: asking for it again costs nothing. */
  readonly #asked = new Map<string, { readonly what: string; readonly at: number }>();
  #work: LeaderWork | undefined;
  #tkeController = false;

  constructor(edges: KubePortsEdges, options: KubePortsOptions) {
    this.#edges = edges;
    this.#options = options;
    const { clock, random } = edges;
    this.#queue = new WorkQueue({ clock, random, keysMax: KEYS_MAX, backoff: BACKOFF });
  }

  /** TKE's own Service controller runs in this cluster, as far as is known. */
  get tkeController(): boolean {
    return this.#tkeController;
  }

  /** Who is told the answers. */
  attach(work: LeaderWork): void {
    this.#work = work;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#lookForTke(signal);
    await runWorkers(
      {
        queue: this.#queue,
        concurrency: CONCURRENCY,
        work: async (key, limit) => {
          await this.#perform(key, limit);
          return 'done';
        },
        onError: (key, error) => {
          this.#asked.delete(key);
          this.#edges.log.warn('a request to the API server failed, will try again', { key, error });
        },
      },
      signal,
    );
  }

  writeGate: LeaderPorts['writeGate'] = (pod, gate) => {
    const { uid, namespace, name } = pod.record;
    const what = JSON.stringify([gate.open, gate.reason, gate.message]);
    this.#ask(`gate ${uid}`, what, async signal => {
      const now = new Date(this.#edges.clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z');
      const condition = {
        type: READINESS_GATE,
        status: gate.open ? 'True' : 'False',
        reason: gate.reason,
        message: gate.message,
        lastTransitionTime: now,
      };
      const body = { metadata: { uid }, status: { conditions: [condition] } };
      await patch(this.#edges.kube, podPath(namespace, name, 'status'), { type: 'strategic', body }, signal);
    });
  };

  ensureFinalizer: LeaderPorts['ensureFinalizer'] = service => {
    const finalizers = [...service.finalizers.filter(name => name !== FINALIZER), FINALIZER];
    this.#patchService(service, 'finalizer', { metadata: { ...version(service), finalizers } });
  };

  releaseService: LeaderPorts['releaseService'] = service => {
    const finalizers = service.finalizers.filter(name => name !== FINALIZER);
    const annotations = { [LOAD_BALANCER_ID_ANNOTATION]: null };
    this.#patchService(service, 'finalizer', { metadata: { ...version(service), finalizers, annotations } });
  };

  writeStatus: LeaderPorts['writeStatus'] = (service, status) => {
    const entry = status.address ? { ip: status.address } : { hostname: status.hostname };
    const [current] = service.ingress;
    if (current?.ip !== entry.ip || current?.hostname !== entry.hostname) {
      this.#patchService(service, 'status', { status: { loadBalancer: { ingress: [entry] } } }, 'status');
    }
    if (service.loadBalancerId !== status.loadBalancerId) {
      const annotations = { [LOAD_BALANCER_ID_ANNOTATION]: status.loadBalancerId };
      this.#patchService(service, 'annotation', { metadata: { uid: service.uid, annotations } });
    }
  };

  reportProblem: LeaderPorts['reportProblem'] = (service, problem) => {
    const key = `event ${service.uid} ${problem.code}`;
    const last = this.#asked.get(key);
    if (last && this.#edges.clock.now() - last.at >= EVENT_REPEAT_MS) this.#asked.delete(key);
    if (!this.#asked.has(key)) {
      this.#edges.log.warn(problem.reason, {
        service: `${service.namespace}/${service.name}`,
        code: problem.code,
        detail: problem.message,
      });
    }
    this.#ask(key, problem.message, signal => this.#writeEvent(service, problem, signal));
  };

  sendDrainUpdate: LeaderPorts['sendDrainUpdate'] = (node: string, update: DrainUpdate) => {
    this.#options.reports.sendDrainUpdate(node, update);
  };

  confirm: LeaderPorts['confirm'] = pod => {
    const { uid, addresses, labels } = pod.record;
    this.#ask(`confirm ${uid}`, JSON.stringify([addresses, labels]), signal => this.#confirm(pod, signal));
  };

  prove: LeaderPorts['prove'] = mark => {
    const key = `prove ${mark.podUid}`;
    const last = this.#asked.get(key);
    if (last && this.#edges.clock.now() - last.at >= PROVE_AGAIN_MS) this.#asked.delete(key);
    this.#ask(key, '', signal => this.#prove(mark, signal));
  };

  listServices: LeaderPorts['listServices'] = namespace => {
    this.#tasks.set(`services ${namespace}`, signal => this.#listServices(namespace, signal));
    this.#queue.add(`services ${namespace}`);
  };

  #ask(key: string, what: string, task: Task): void {
    if (this.#asked.get(key)?.what === what) return;
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size < REMEMBERED_MAX) break;
      this.#asked.delete(oldest);
    }
    this.#asked.delete(key);
    this.#asked.set(key, { what, at: this.#edges.clock.now() });
    this.#tasks.set(key, task);
    this.#queue.add(key);
  }

  async #perform(key: string, signal: AbortSignal): Promise<void> {
    const task = this.#tasks.get(key);
    if (!task) return;
    using limit = deadline(this.#edges.clock, key, REQUEST_TIMEOUT_MS, signal);
    try {
      await task(limit.signal);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      // The object is gone or has changed: what the next turn sees of it decides anew.
      this.#asked.delete(key);
    }
    if (this.#tasks.get(key) === task) this.#tasks.delete(key);
  }

  #patchService(service: ServiceRecord, aspect: string, body: object, subresource?: 'status'): void {
    const path = servicePath(service.namespace, service.name, subresource);
    const what = JSON.stringify(body);
    this.#ask(`service ${aspect} ${service.uid}`, what, async signal => {
      await patch(this.#edges.kube, path, { type: 'merge', body }, signal);
    });
  }

  async #confirm(pod: PodView, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.record;
    const object = await this.#pod(namespace, name, signal);
    if (!object || object.metadata.uid !== uid) return;
    if (agreesWithReport(object, pod)) this.#work?.confirmed(uid);
    else {
      this.#edges.log.warn('an agent and the API server do not agree about a Pod', {
        pod: `${namespace}/${name}`,
        node: pod.node,
      });
      throw new Error(`Pod ${namespace}/${name} is not as its agent says`);
    }
  }

  async #prove(mark: Mark, signal: AbortSignal): Promise<void> {
    const object = await this.#pod(mark.namespace, mark.name, signal);
    const phase = object?.status?.phase;
    const gone = !object || object.metadata.uid !== mark.podUid || phase === 'Succeeded' || phase === 'Failed';
    if (!gone) return;
    this.#edges.log.info('a bound Pod is proven gone', { pod: `${mark.namespace}/${mark.name}`, uid: mark.podUid });
    this.#options.knowledge.store.provenGone(mark.podUid, this.#edges.clock.now());
    this.#work?.changed();
  }

  async #listServices(namespace: string, signal: AbortSignal): Promise<void> {
    const startedAt = this.#edges.clock.now();
    const path = resourcePath({ version: 'v1', resource: 'services', namespace });
    const { items } = await list<Service>(this.#edges.kube, path, {}, signal);
    this.#work?.servicesListed(namespace, { startedAt, services: items.map(serviceRecord) });
  }

  /** Undefined for 404. */
  async #pod(namespace: string, name: string, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      return await get<Pod>(this.#edges.kube, podPath(namespace, name), signal);
    } catch (error) {
      if (error instanceof KubeResponseError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #writeEvent(
    service: { namespace: string; name: string; uid: string },
    problem: Problem,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random, kube } = this.#edges;
    const { namespace, name, uid } = service;
    const now = new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event: KubeObject & Record<string, unknown> = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomUuid(random)}`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Service', namespace, name, uid },
      type: 'Warning',
      reason: problem.reason,
      message: `${problem.code}: ${problem.message}`,
      source: { component: 'clb-direct', host: this.#options.name },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    await create(kube, resourcePath({ version: 'v1', resource: 'events', namespace }), event, signal);
  }

  #lookForTke(signal: AbortSignal): void {
    if (signal.aborted) return;
    const path = resourcePath({ version: 'v1', resource: 'configmaps', ...TKE_CONFIGURATION });
    this.#tasks.set('tke', async limit => {
      const found = await get(this.#edges.kube, path, limit).then(() => true, isNotFound);
      if (found !== this.#tkeController) this.#work?.changed();
      this.#tkeController = found;
    });
    this.#queue.add('tke');
    this.#edges.clock.schedule(TKE_CHECK_MS, () => this.#lookForTke(signal));
  }
}

function version(service: ServiceRecord): { uid: string; resourceVersion: string } {
  return { uid: service.uid, resourceVersion: service.resourceVersion };
}

function isOutdated(error: unknown): boolean {
  return error instanceof KubeResponseError && (error.status === 404 || error.status === 409);
}

/** False for 404; any other failure is one. */
function isNotFound(error: unknown): boolean {
  if (error instanceof KubeResponseError && error.status === 404) return false;
  throw error;
}
