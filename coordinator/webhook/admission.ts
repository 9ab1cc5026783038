import type { Pod } from '../../common/kube/objects.ts';
import type { HookMode } from './hook-choice.ts';
import { type InjectionPolicy, injectPod } from './inject.ts';
import { isObject, podFrom } from './pod-shape.ts';
import type { Surroundings } from './surroundings.ts';

const API_VERSION = 'admission.k8s.io/v1';

/** For metrics. `malformed`: no review that could be answered, or no Pod in it. */
export type AdmissionResult = 'injected' | 'unchanged' | 'malformed';

export interface AdmissionAnswer {
  /** Of HTTP. */
  readonly status: 200 | 400;
  /** An AdmissionReview, or for 400 a text saying what was wrong. */
  readonly body: AdmissionReviewAnswer | string;
  readonly result: AdmissionResult;
  /** Of the hooks that were added; undefined when none was. */
  readonly hookMode?: HookMode | undefined;
}

export interface AdmissionReviewAnswer {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: true;
    readonly warnings?: readonly string[];
    readonly patchType?: 'JSONPatch';
    /** A JSON patch, in base64. */
    readonly patch?: string;
  };
}

/** How injection is set up, and what is known beside the Pod; the latter is asked for once a review. */
export interface AdmissionOptions {
  /** `inject-nothing`: every Pod is let through as it is. */
  readonly policy: InjectionPolicy | 'inject-nothing';
  readonly surroundingsOf: (namespace: string, pod: Pod) => Surroundings;
}

/**
 * Answers an AdmissionReview. Every Pod is allowed: what cannot be understood is let through unchanged with a warning.
 * Never throws, whatever `review` is.
 */
export function reviewPod(review: unknown, { policy, surroundingsOf }: AdmissionOptions): AdmissionAnswer {
  if (!isObject(review) || review.kind !== 'AdmissionReview' || review.apiVersion !== API_VERSION) {
    return { status: 400, body: `expected an AdmissionReview of ${API_VERSION}`, result: 'malformed' };
  }
  const { request } = review;
  if (!isObject(request) || typeof request.uid !== 'string') {
    return { status: 400, body: 'the AdmissionReview carries no request with a uid', result: 'malformed' };
  }
  if (policy === 'inject-nothing' || !isPodCreation(request)) return allow(request.uid, 'unchanged');
  const pod = podFrom(request.object);
  if (!pod) {
    return allow(request.uid, 'malformed', ['clb-direct could not read this Pod and left it unchanged']);
  }
  const namespace = typeof request.namespace === 'string' ? request.namespace : '';
  const { patch, warnings, hookMode } = injectPod(pod, policy, surroundingsOf(namespace, pod));
  if (patch.length === 0) return allow(request.uid, 'unchanged', warnings);
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { ...allow(request.uid, 'injected', warnings, encoded), hookMode };
}

function isPodCreation(request: Readonly<Record<string, unknown>>): boolean {
  const { kind, operation, subResource } = request;
  return isObject(kind) && kind.kind === 'Pod' && operation === 'CREATE' && !subResource;
}

function allow(
  uid: string,
  result: AdmissionResult,
  warnings: readonly string[] = [],
  patch?: string,
): AdmissionAnswer {
  const response = {
    uid,
    allowed: true,
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(patch === undefined ? {} : { patchType: 'JSONPatch' as const, patch }),
  } as const;
  return { status: 200, body: { apiVersion: API_VERSION, kind: 'AdmissionReview', response }, result };
}
