import type { Container, LifecycleHandler, Pod, Probe } from '../../common/kube/objects.ts';
import {
  APPLICATION_GRACE_ANNOTATION,
  CUSTOM_WEIGHT_ANNOTATION,
  DRAIN_SECONDS_ANNOTATION,
  HOOK_PATH,
  HOOK_PORT,
  INGRESS_CUSTOM_WEIGHT_ANNOTATION,
  INJECT_ANNOTATION,
  READINESS_GATE,
} from '../../common/names.ts';
import { eniMark } from './eni-marks.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const OWN_LABEL = 'app.kubernetes.io/name';
const OWN_NAME = 'clb-direct';
/** What the API server fills in when a Pod says nothing. */
const GRACE_SECONDS_DEFAULT = 30;
/** The API server cuts longer warnings. */
const WARNING_LENGTH_MAX = 256;
const WEIGHT_MAX = 100;
/** User-written text is quoted in warnings up to this length. */
const QUOTED_LENGTH_MAX = 32;

export interface InjectionPolicy {
  /** `always` in pure VPC-CNI clusters, where ENI Pods carry no mark. */
  readonly pods: 'withEniMark' | 'always';
  readonly drainSecondsDefault: number;
  readonly drainSecondsMax: number;
}

export const DEFAULT_INJECTION_POLICY: InjectionPolicy = {
  pods: 'withEniMark',
  drainSecondsDefault: 30,
  drainSecondsMax: 600,
};

export interface JsonPatchOperation {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

export interface Injection {
  /** Empty when nothing is to be changed. */
  readonly patch: readonly JsonPatchOperation[];
  /** For the person at kubectl: what is not as lossless as it could be, and what to do. */
  readonly warnings: readonly string[];
}

interface Part {
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: readonly string[];
}

const NOTHING: Part = { patch: [], warnings: [] };

/**
 * What a Pod at creation needs for lossless changes: our readiness gate, our preStop on each regular container that has
 * none, and a grace period raised by the drain budget. Injecting into the result changes nothing more.
 */
export function injectPod(pod: Pod, policy: InjectionPolicy): Injection {
  const choice = isUntouchable(pod) ? { wanted: false, warnings: [] } : chosen(pod, policy);
  if (!choice.wanted) return { patch: [], warnings: choice.warnings.map(bounded) };
  const hooks = injectHooks(pod);
  const grace = hooks.patch.length > 0 ? raiseGrace(pod, policy) : NOTHING;
  return {
    patch: [...injectGate(pod), ...hooks.patch, ...grace.patch],
    warnings: [...choice.warnings, ...weightWarnings(pod), ...hooks.warnings, ...grace.warnings].map(bounded),
  };
}

/** Mirror Pods follow a file on the node; ours must start without us. */
function isUntouchable({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR_ANNOTATION] !== undefined || metadata.labels?.[OWN_LABEL] === OWN_NAME;
}

/** The user's annotation decides, else the marks. */
function chosen(pod: Pod, policy: InjectionPolicy): { wanted: boolean; warnings: string[] } {
  const word = pod.metadata.annotations?.[INJECT_ANNOTATION];
  if (word === 'true' || word === 'false') return { wanted: word === 'true', warnings: [] };
  const warnings =
    word === undefined ? [] : [`${INJECT_ANNOTATION}: ${quoted(word)} is neither "true" nor "false" and is ignored`];
  const mark = eniMark(pod);
  if (mark === 'superNode') warnings.push('clb-direct has no agent on super nodes: no readiness gate, no drain hook');
  return { wanted: mark === 'eni' || (mark === 'none' && policy.pods === 'always'), warnings };
}

/** Rules take such a weight as none. */
function weightWarnings({ metadata }: Pod): string[] {
  const range = `a whole number from 0 to ${WEIGHT_MAX}`;
  return [CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION].flatMap(annotation => {
    const text = metadata.annotations?.[annotation];
    if (text === undefined || (/^\d{1,3}$/.test(text) && Number(text) <= WEIGHT_MAX)) return [];
    return [`${annotation}: ${quoted(text)} is not ${range}; the default weight is used`];
  });
}

function injectGate({ spec }: Pod): JsonPatchOperation[] {
  const gate = { conditionType: READINESS_GATE };
  if (!spec.readinessGates) return [{ op: 'add', path: '/spec/readinessGates', value: [gate] }];
  if (spec.readinessGates.some(({ conditionType }) => conditionType === READINESS_GATE)) return [];
  return [{ op: 'add', path: '/spec/readinessGates/-', value: gate }];
}

function injectHooks(pod: Pod): Part {
  if (pod.spec.hostNetwork) {
    return { patch: [], warnings: ['hostNetwork: the kubelet finds no address to call, so no drain hook was added'] };
  }
  const occupant = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(occupiesHookPort);
  if (occupant) {
    const warning = `container "${occupant.name}" uses port ${HOOK_PORT}: no drain hook was added and SIGTERM may come before the load balancer let the Pod go; use another port`;
    return { patch: [], warnings: [warning] };
  }
  const parts = pod.spec.containers.map(injectHook);
  return { patch: parts.flatMap(part => part.patch), warnings: parts.flatMap(part => part.warnings) };
}

function injectHook(container: Container, index: number): Part {
  const preStop: LifecycleHandler = { httpGet: { port: HOOK_PORT, path: HOOK_PATH } };
  const path = `/spec/containers/${index}/lifecycle`;
  const own = container.lifecycle?.preStop;
  if (!container.lifecycle) return { patch: [{ op: 'add', path, value: { preStop } }], warnings: [] };
  if (!own) return { patch: [{ op: 'add', path: `${path}/preStop`, value: preStop }], warnings: [] };
  if (isOurHook(own)) return NOTHING;
  const kind = own.sleep ? 'sleep' : own.exec ? 'exec' : 'httpGet';
  const warning = `container "${container.name}" keeps its ${kind} preStop: its SIGTERM does not wait for the load balancer, requests may be lost; do that step on SIGTERM and remove the preStop`;
  return { patch: [], warnings: [warning] };
}

function isOurHook({ httpGet }: LifecycleHandler): boolean {
  return Number(httpGet?.port) === HOOK_PORT && httpGet?.path === HOOK_PATH && !httpGet.host;
}

/** The node does not redirect calls to a port that the Pod itself answers or is probed on. */
function occupiesHookPort(container: Container): boolean {
  const probes = [container.readinessProbe, container.livenessProbe, container.startupProbe];
  return (container.ports ?? []).some(port => port.containerPort === HOOK_PORT) || probes.some(probesHookPort);
}

function probesHookPort(probe: Probe | undefined): boolean {
  return Number(probe?.httpGet?.port) === HOOK_PORT || Number(probe?.tcpSocket?.port) === HOOK_PORT;
}

/**
 * The application keeps the share it asked for, which is noted, so that a reinvocation does not raise it again. A Pod
 * that came with all hooks in place is left alone: its author has set the grace period too.
 */
function raiseGrace(pod: Pod, policy: InjectionPolicy): Part {
  const { seconds, warnings } = drainSeconds(pod, policy);
  const current = pod.spec.terminationGracePeriodSeconds;
  const noted = wholeSeconds(pod.metadata.annotations?.[APPLICATION_GRACE_ANNOTATION]);
  const application = noted ?? current ?? GRACE_SECONDS_DEFAULT;
  const raised = application + seconds;
  const patch: JsonPatchOperation[] = [];
  if ((current ?? 0) < raised) patch.push({ op: 'add', path: '/spec/terminationGracePeriodSeconds', value: raised });
  if (noted === undefined) patch.push(noteApplicationGrace(pod, application));
  return { patch, warnings };
}

function noteApplicationGrace({ metadata }: Pod, seconds: number): JsonPatchOperation {
  const value = String(seconds);
  if (!metadata.annotations) {
    return { op: 'add', path: '/metadata/annotations', value: { [APPLICATION_GRACE_ANNOTATION]: value } };
  }
  const key = APPLICATION_GRACE_ANNOTATION.replaceAll('/', '~1');
  return { op: 'add', path: `/metadata/annotations/${key}`, value };
}

function drainSeconds(pod: Pod, policy: InjectionPolicy): { seconds: number; warnings: string[] } {
  const { drainSecondsDefault, drainSecondsMax } = policy;
  const text = pod.metadata.annotations?.[DRAIN_SECONDS_ANNOTATION];
  if (text === undefined) return { seconds: drainSecondsDefault, warnings: [] };
  const seconds = wholeSeconds(text);
  if (seconds === undefined || seconds === 0) {
    const warning = `${DRAIN_SECONDS_ANNOTATION}: ${quoted(text)} is not a whole number of seconds from 1 to ${drainSecondsMax}; ${drainSecondsDefault} is used`;
    return { seconds: drainSecondsDefault, warnings: [warning] };
  }
  if (seconds <= drainSecondsMax) return { seconds, warnings: [] };
  const warning = `${DRAIN_SECONDS_ANNOTATION}: ${quoted(text)} is above the limit of this cluster; ${drainSecondsMax} is used`;
  return { seconds: drainSecondsMax, warnings: [warning] };
}

function wholeSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, QUOTED_LENGTH_MAX));
}

function bounded(warning: string): string {
  return warning.length <= WARNING_LENGTH_MAX ? warning : `${warning.slice(0, WARNING_LENGTH_MAX - 1)}…`;
}
