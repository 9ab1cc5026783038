import { type Clock, sleep } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { EventRecorder } from '../kube/event-recorder.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import { authorityConfigMap } from './authority-config-map.ts';
import type { ServedCertificate } from './certificate-bundle.ts';
import type { CertificateSource } from './certificate-source.ts';
import { webhookConfiguration } from './configuration.ts';
import { UnusableSecretError } from './given-certificates.ts';
import { KeptObject, type KeptOutcome, type ObjectShape } from './kept-object.ts';
import { WatchedTask } from './watched-task.ts';

const START_RETRY_MS = 1_000;

export interface UpkeepOptions {
  readonly source: CertificateSource;
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The coordinator's own. */
  readonly namespace: string;
  /** Parts of the coordinators that the API server sends Pods to; 0: none, and an earlier registration is emptied. */
  readonly webhookParts: number;
  readonly names: InstanceNames;
  /** Name of this replica: the source of its Events. */
  readonly instance: string;
  readonly onWritten: (kind: string, outcome: Exclude<KeptOutcome, 'unchanged'>) => void;
}

/** What one term keeps up. */
interface Term {
  readonly objects: readonly KeptObject[];
  readonly tasks: readonly WatchedTask[];
  readonly events: EventRecorder;
}

/**
 * What serving over TLS stands on: the Secret of the certificates, the ConfigMap that tells agents whom to trust, and the
 * webhook's registration. Every replica follows the Secret; the leader alone writes, within seconds of a deletion or an
 * edit. While nobody leads nothing is written: replicas serve what they have.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #secretTask: WatchedTask;
  #told: ServedCertificate | undefined;
  #onCertificate: (certificate: ServedCertificate) => void = () => {};
  #term: Term | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { source, namespace } = options;
    this.#secretTask = new WatchedTask({
      ...options,
      what: `Secret ${source.secretName}`,
      path: resourcePath({ version: 'v1', resource: 'secrets', namespace }),
      name: source.secretName,
      run: signal => this.#lookAtSecret(signal),
    });
  }

  /** The first certificate; undefined when the signal aborts before there is one. */
  async obtain(signal: AbortSignal): Promise<ServedCertificate | undefined> {
    const { source, clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        const certificate = await source.obtain(signal);
        this.#tell();
        return certificate;
      } catch (error) {
        if (signal.aborted) return undefined;
        logger.warn('no serving certificate yet, will try again', { error });
        await sleep(clock, START_RETRY_MS, signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  /**
   * Every replica's part, until `signal` aborts; after `obtain`. Never rejects.
   * @param onCertificate told of every certificate, or other CAs, from then on
   */
  follow(onCertificate: (certificate: ServedCertificate) => void, signal: AbortSignal): Promise<void> {
    this.#onCertificate = onCertificate;
    return this.#secretTask.run(signal);
  }

  /** The leader's part, until `signal` aborts; beside `follow`. Never rejects. */
  async lead(signal: AbortSignal): Promise<void> {
    const { namespace, source, names, webhookParts: parts } = this.#options;
    const caPem = () => source.current?.caPem ?? '';
    const registration = webhookConfiguration({ namespace, caPem, parts, names });
    const shapes = [authorityConfigMap({ namespace, caPem }), registration];
    const objects = shapes.map(shape => new KeptObject(shape, this.#options));
    const events = new EventRecorder({
      ...this.#options,
      onError: (note, error) => this.#options.logger.warn('an Event was not written', { note, error }),
    });
    const tasks = objects.map(object => this.#taskOf(object));
    this.#term = { objects, tasks, events };
    this.#secretTask.wake();
    await Promise.all([events, ...tasks].map(part => part.run(signal)));
    this.#term = undefined;
  }

  #taskOf(object: KeptObject): WatchedTask {
    const { collection, kind, name } = object.shape;
    const run = async (signal: AbortSignal) => {
      const { outcome, uid } = await object.ensure(signal);
      if (outcome === 'unchanged') return 'unchanged';
      this.#written(object.shape, outcome, uid);
      return 'written';
    };
    return new WatchedTask({ ...this.#options, what: `${kind} ${name}`, path: collection, name, run });
  }

  async #lookAtSecret(signal: AbortSignal): Promise<'unchanged' | 'written'> {
    const { source } = this.#options;
    const term = this.#term;
    try {
      if (!term) {
        await source.follow(signal);
        return 'unchanged';
      }
      const settledMs = () => Math.min(...term.objects.map(object => object.settledMs));
      const { outcome, uid } = await source.lead(settledMs, signal);
      if (outcome === 'unchanged') return 'unchanged';
      this.#written(this.#secretSubject(), outcome, uid);
      return 'written';
    } catch (error) {
      if (error instanceof UnusableSecretError) this.#report(this.#secretSubject(), error.secretUid, unusable(error));
      throw error;
    } finally {
      this.#tell();
    }
  }

  /** Whoever serves, and whoever tells clients what to trust, hears of each change once. */
  #tell(): void {
    const { current } = this.#options.source;
    if (!current) return;
    const { certificatePem, caPem } = current;
    if (this.#told?.certificatePem === certificatePem && this.#told.caPem === caPem) return;
    this.#told = current;
    this.#onCertificate(current);
    for (const task of this.#term?.tasks ?? []) task.wake();
  }

  #written(subject: Subject, outcome: Exclude<KeptOutcome, 'unchanged'>, uid: string): void {
    const { logger, onWritten } = this.#options;
    logger.info('an object was put right', { object: `${subject.kind} ${subject.name}`, outcome });
    onWritten(subject.kind, outcome);
    if (outcome === 'restored' || outcome === 'repaired') this.#report(subject, uid, repaired(subject, outcome));
  }

  #report(subject: Subject, uid: string, told: Problem): void {
    const { apiVersion, kind, name, namespace = '' } = subject;
    this.#term?.events.record({ subject: { apiVersion, kind, name, namespace, uid }, type: 'Warning', ...told });
  }

  #secretSubject(): Subject {
    const { source, namespace } = this.#options;
    return { apiVersion: 'v1', kind: 'Secret', namespace, name: source.secretName };
  }
}

type Subject = Pick<ObjectShape, 'apiVersion' | 'kind' | 'name' | 'namespace'>;

function repaired({ kind, name }: Subject, outcome: 'restored' | 'repaired'): Problem {
  const what =
    outcome === 'restored' ? 'It was deleted and has been made again' : 'It was edited and has been put right';
  const next = 'If it goes on, find who writes it in the audit log of the API server.';
  return problem('CD3020', `${kind} ${name}: ${what}. ${next}`);
}

function unusable({ message }: UnusableSecretError): Problem {
  return problem('CD3021', `${message}. The certificate read before it is served on.`);
}
