import { sleep } from '../../../common/clock.ts';
import type { Container, ContainerStatus, Pod, Probe } from '../../../common/kube/objects.ts';
import { ContainerConfigurationError, containerEnvironment, expand } from './container-environment.ts';
import type { ContainerSpec, RunningContainer } from './container-runtime.ts';
import {
  asRestarting,
  asRunning,
  asTerminated,
  type ContainerView,
  newContainerView,
  statusOf,
  waiting,
} from './container-state.ts';
import { drawMs, type KubeletContext } from './kubelet-context.ts';
import { runPreStop } from './pre-stop.ts';
import { runProbe } from './probe.ts';
import { restartGraceSeconds, termLimitMs } from './termination.ts';

const BACK_OFF_INITIAL_MS = 10_000;
const BACK_OFF_MAXIMUM_MS = 300_000;
/** A container that ran this long starts with the shortest back-off again. */
const BACK_OFF_RESET_MS = 600_000;
const IMAGE_RETRY_MS = 10_000;

export interface ContainerWorkerOptions {
  readonly context: KubeletContext;
  readonly pod: Pod;
  readonly container: Container;
  /** It runs already. */
  readonly left: RunningContainer | undefined;
  readonly podIp: string;
  /** Directories by volume name. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly onChange: () => void;
}

interface Running {
  readonly container: RunningContainer;
  readonly startedAt: number;
  /** Ends with the container: readiness. */
  readonly exited: AbortController;
  /** Ends when the container is being stopped: liveness and startup. */
  readonly stopping: AbortController;
  kill: Promise<void> | undefined;
}

/** One container of a Pod, from its first start over all restarts to its end. */
export class ContainerWorker {
  readonly #options: ContainerWorkerOptions;
  /** Aborts when the Pod ends: nothing is started or waited for any more. */
  readonly #ending = new AbortController();
  #view: ContainerView;
  #running: Running | undefined;
  /** Set once the Pod ends. */
  #endGraceSeconds: number | undefined;
  #backOffMs = 0;

  constructor(options: ContainerWorkerOptions) {
    this.#options = options;
    const before = options.pod.status?.containerStatuses?.find(({ name }) => name === options.container.name);
    const restartCount = before?.restartCount ?? 0;
    this.#view = newContainerView(before?.containerID && !options.left ? restartCount + 1 : restartCount);
  }

  status(): ContainerStatus {
    return statusOf(this.#options.container, this.#view);
  }

  /** Starts and restarts the container until it has ended for good. */
  async run(): Promise<void> {
    let { left } = this.#options;
    while (!this.#isEnding()) {
      const running = left ? this.#runs(left) : await this.#start();
      left = undefined;
      if (!running) continue;
      const { exitCode } = await this.#watch(running);
      if (!this.#restarts(exitCode)) return;
      await this.#backOff(running);
    }
    if (!this.#view.state.terminated)
      this.#change({ ...this.#view, state: { terminated: NEVER_STARTED }, isReady: false });
  }

  /** Ends the container for good; `run` resolves when it has exited. */
  end(graceSeconds: number): void {
    if (this.#isEnding()) return;
    this.#endGraceSeconds = graceSeconds;
    this.#ending.abort();
    if (this.#running) this.#kill(this.#running, graceSeconds);
  }

  #isEnding(): boolean {
    return this.#endGraceSeconds !== undefined || this.#options.context.signal.aborted;
  }

  #change(view: ContainerView): void {
    this.#view = view;
    this.#options.onChange();
  }

  /** Undefined when it could not be started; the wait before the next try is over then. */
  async #start(): Promise<Running | undefined> {
    const { context, container } = this.#options;
    if (!context.containers.hasImage(container.image)) {
      await this.#waitForImage();
      return undefined;
    }
    await this.#pause(drawMs(context.random, context.timing.startMs));
    if (this.#isEnding()) return undefined;
    try {
      const started = await context.containers.start(this.#specification(), context.signal);
      return this.#started(started);
    } catch (error) {
      await this.#waitAfterFailure(error);
      return undefined;
    }
  }

  async #waitForImage(): Promise<void> {
    const { context, container, pod } = this.#options;
    const message = `Failed to pull image "${container.image}": the sandbox has no such image`;
    if (this.#view.state.waiting?.reason === 'ContainerCreating') {
      context.event(pod, 'Warning', 'Failed', message);
      this.#change({ ...this.#view, ...waiting('ErrImagePull', message) });
    } else {
      const backingOff = `Back-off pulling image "${container.image}": ${message}`;
      this.#change({ ...this.#view, ...waiting('ImagePullBackOff', backingOff) });
    }
    await this.#pause(IMAGE_RETRY_MS);
  }

  async #waitAfterFailure(error: unknown): Promise<void> {
    const { context, pod } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof ContainerConfigurationError ? 'CreateContainerConfigError' : 'RunContainerError';
    context.event(pod, 'Warning', 'Failed', message);
    this.#change({ ...this.#view, ...waiting(reason, message) });
    await this.#pause(BACK_OFF_INITIAL_MS);
  }

  #specification(): ContainerSpec {
    const { context, pod, container, podIp, volumes } = this.#options;
    const environment = containerEnvironment(container, { pod, podIp, nodeAddress: context.node.address });
    return {
      nodeName: context.node.name,
      namespace: pod.metadata.namespace ?? 'default',
      podName: pod.metadata.name,
      podUid: pod.metadata.uid ?? '',
      containerName: container.name,
      image: container.image,
      command: (container.command ?? []).map(text => expand(text, environment)),
      args: (container.args ?? []).map(text => expand(text, environment)),
      environment,
      podIp,
      mounts: (container.volumeMounts ?? []).map(({ name, mountPath }) => {
        const directory = volumes.get(name);
        if (directory !== undefined) return { mountPath, directory };
        throw new ContainerConfigurationError(`the volume ${name}, mounted at ${mountPath}, is not there`);
      }),
    };
  }

  #started(container: RunningContainer): Running {
    const { context, pod, podIp } = this.#options;
    const { containerId } = container;
    context.record(pod, podIp, { type: 'started', containerName: this.#options.container.name, containerId });
    return this.#runs(container);
  }

  #runs(container: RunningContainer): Running {
    const { context } = this.#options;
    const [exited, stopping] = [new AbortController(), new AbortController()];
    const running: Running = { container, startedAt: context.clock.now(), exited, stopping, kill: undefined };
    this.#running = running;
    this.#change(asRunning(this.#view, container.containerId, context.clock.wallNow()));
    if (this.#endGraceSeconds !== undefined) this.#kill(running, this.#endGraceSeconds);
    this.#startProbes(running);
    return running;
  }

  /** Readiness and liveness wait for the startup probe, as in the real kubelet. */
  #startProbes(running: Running): void {
    const { readinessProbe, livenessProbe, startupProbe } = this.#options.container;
    const begin = () => {
      if (readinessProbe) this.#probe(readinessProbe, running.exited.signal, isPassing => this.#setReady(isPassing));
      else this.#setReady(true);
      if (livenessProbe)
        this.#probe(livenessProbe, running.stopping.signal, isPassing => this.#judge(running, isPassing));
    };
    if (!startupProbe) begin();
    else {
      const once = AbortSignal.any([running.stopping.signal, running.exited.signal]);
      const startup = new AbortController();
      this.#probe(startupProbe, AbortSignal.any([once, startup.signal]), isPassing => {
        startup.abort();
        if (isPassing) begin();
        else this.#judge(running, false);
      });
    }
  }

  #probe(probe: Probe, signal: AbortSignal, onChange: (isPassing: boolean) => void): void {
    const { context, container, podIp } = this.#options;
    const both = AbortSignal.any([signal, context.signal]);
    void runProbe({ probe, container, podIp, network: context.network, clock: context.clock, onChange }, both);
  }

  #setReady(isReady: boolean): void {
    if (this.#view.state.running && this.#view.isReady !== isReady) this.#change({ ...this.#view, isReady });
  }

  /** A container that is not alive is stopped like any other, hook included; `run` then starts it anew. */
  #judge(running: Running, isAlive: boolean): void {
    if (isAlive) return;
    const { context, pod, container } = this.#options;
    context.event(pod, 'Normal', 'Killing', `Container ${container.name} failed liveness probe, will be restarted`);
    this.#kill(running, restartGraceSeconds(pod));
  }

  async #watch(running: Running): Promise<{ exitCode: number }> {
    const { context, pod, podIp, container } = this.#options;
    const exit = await running.container.exited;
    const { exitCode } = exit;
    const { containerId } = running.container;
    running.exited.abort();
    running.stopping.abort();
    context.record(pod, podIp, { type: 'exited', containerName: container.name, containerId, exitCode });
    this.#change(asTerminated(this.#view, exit, context.clock.wallNow()));
    await running.kill;
    this.#running = undefined;
    return { exitCode };
  }

  /** A kill that is under way is neither repeated nor shortened by a later one. */
  #kill(running: Running, graceSeconds: number): void {
    running.kill ??= this.#stop(running, graceSeconds);
  }

  async #stop({ container, exited, stopping }: Running, graceSeconds: number): Promise<void> {
    const { clock } = this.#options.context;
    stopping.abort();
    const hookMs = await this.#runHook(container.containerId, graceSeconds);
    if (this.#options.context.signal.aborted) return;
    this.#signal(container, exited.signal, 'TERM');
    const timer = clock.schedule(termLimitMs(graceSeconds, hookMs), () =>
      this.#signal(container, exited.signal, 'KILL'),
    );
    await container.exited;
    timer.cancel();
  }

  #signal(running: RunningContainer, exited: AbortSignal, signal: 'TERM' | 'KILL'): void {
    if (exited.aborted) return;
    const { context, pod, podIp, container } = this.#options;
    const { containerId } = running;
    context.record(pod, podIp, { type: 'signalled', containerName: container.name, containerId, signal });
    running.signal(signal);
  }

  /** Resolves with how long the hook was waited for. */
  async #runHook(containerId: string, graceSeconds: number): Promise<number> {
    const { context, pod, podIp, container } = this.#options;
    const { clock, network, signal } = context;
    const hook = container.lifecycle?.preStop;
    if (!hook) return 0;
    const beganAt = clock.now();
    const about = { containerName: container.name, containerId };
    context.record(pod, podIp, { type: 'preStopBegan', ...about });
    const hookIp = pod.spec.hostNetwork ? undefined : podIp;
    const outcome = await runPreStop({ hook, container, podIp: hookIp, graceSeconds, network, clock }, signal);
    // A kubelet that has ended tells nothing more.
    if (signal.aborted) return 0;
    context.record(pod, podIp, { type: 'preStopEnded', ...about, outcome });
    if (outcome.type === 'failed')
      context.event(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${outcome.message}`);
    return clock.now() - beganAt;
  }

  #restarts(exitCode: number): boolean {
    if (this.#isEnding()) return false;
    const policy = this.#options.pod.spec.restartPolicy ?? 'Always';
    return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  }

  /** The first restart comes at once, then the wait doubles (CrashLoopBackOff). */
  async #backOff({ startedAt }: Running): Promise<void> {
    if (this.#options.context.clock.now() - startedAt >= BACK_OFF_RESET_MS) this.#backOffMs = 0;
    const delayMs = this.#backOffMs;
    this.#backOffMs = Math.min(BACK_OFF_MAXIMUM_MS, delayMs === 0 ? BACK_OFF_INITIAL_MS : delayMs * 2);
    this.#view = asRestarting(this.#view);
    if (delayMs > 0) {
      const { pod, container } = this.#options;
      const message = `back-off ${delayMs / 1000}s restarting failed container=${container.name} pod=${pod.metadata.name}`;
      this.#change({ ...this.#view, ...waiting('CrashLoopBackOff', message) });
      await this.#pause(delayMs);
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const signal = AbortSignal.any([this.#ending.signal, this.#options.context.signal]);
    await sleep(this.#options.context.clock, delayMs, signal).catch(() => undefined);
  }
}

/** What the real kubelet says of a container that was never there when its Pod ended. */
const NEVER_STARTED = { exitCode: 137, reason: 'ContainerStatusUnknown' };
