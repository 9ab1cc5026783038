import type { Clock } from '../../../common/clock.ts';
import { DeadlineExceededError, deadline } from '../../../common/deadline.ts';
import { type Random, randomUuid } from '../../../common/random.ts';
import { ApiError, forbidden, internalError, notImplemented, unprocessable } from './api-error.ts';
import { decoded } from './decode.ts';
import { defaulted } from './defaults.ts';
import {
  type ApiObject,
  arrayOf,
  copyJson,
  isObject,
  type Json,
  type JsonObject,
  numberOf,
  objectOf,
  objectsOf,
  stringOf,
} from './json.ts';
import { applyJsonPatch } from './json-patch.ts';
import { type Kind, MUTATING_WEBHOOK_CONFIGURATION, NAMESPACE } from './kinds.ts';
import { ConditionError, checkConditions, holdConditions } from './match-conditions.ts';
import { matchesLabelSelector } from './selectors.ts';
import type { Store } from './store.ts';
import type { KubeUser } from './user.ts';
import { type AdmissionTarget, admissionTargetOf } from './webhook-target.ts';

/**
 * The edge over which webhooks are called. Resolves with the AdmissionReview that came back, whatever it is.
 * @throws any Error when none came; its message is shown to the client. The signal carries the webhook's timeout.
 */
export type AdmissionCaller = (target: AdmissionTarget, review: JsonObject, signal: AbortSignal) => Promise<unknown>;

export interface WebhookAdmissionOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly caller: AdmissionCaller;
}

export interface AdmissionRequest {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly user: KubeUser;
  readonly object: ApiObject;
}

export interface Admitted {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

const IMPLEMENTED_OPERATION = 'CREATE';

/**
 * Refuses what would be stored and then silently not happen: webhooks on anything but CREATE.
 * @throws ApiError 501, and 422 for conditions that are no CEL
 */
export function checkWebhookConfiguration(configuration: ApiObject): void {
  for (const webhook of objectsOf(configuration.webhooks)) {
    const operations = objectsOf(webhook.rules).flatMap(rule => arrayOf(rule.operations));
    if (operations.some(operation => operation !== IMPLEMENTED_OPERATION)) {
      throw notImplemented(`webhooks for operations other than CREATE (${stringOf(webhook.name)})`);
    }
    checkConditionsOf(webhook);
  }
}

function checkConditionsOf(webhook: JsonObject): void {
  try {
    checkConditions(webhook);
  } catch (error) {
    if (error instanceof ConditionError)
      throw unprocessable(`matchConditions of ${stringOf(webhook.name)}: ${error.message}`);
    throw error;
  }
}

/**
 * Sends a new object through every MutatingWebhookConfiguration that wants it, in the order of names.
 * @throws ApiError with the webhook's status when it denies, 500 when it fails and its failurePolicy is Fail.
 */
export async function callWebhooks(options: WebhookAdmissionOptions, request: AdmissionRequest): Promise<Admitted> {
  const configurations = options.store.list(MUTATING_WEBHOOK_CONFIGURATION);
  let object = request.object;
  const warnings: string[] = [];
  for (const webhook of configurations.flatMap(configuration => objectsOf(configuration.webhooks))) {
    if (!isWanted(options.store, webhook, { ...request, object })) continue;
    const admitted = await callOne(options, webhook, { ...request, object });
    object = admitted.object;
    warnings.push(...admitted.warnings);
  }
  return { object, warnings };
}

function isWanted(store: Store, webhook: JsonObject, request: AdmissionRequest): boolean {
  const { kind, namespace, object } = request;
  const namespaceLabels =
    kind === NAMESPACE
      ? object.metadata.labels
      : namespace && store.get(NAMESPACE, undefined, namespace)?.metadata.labels;
  return (
    objectsOf(webhook.rules).some(rule => matchesRule(rule, kind)) &&
    matchesLabelSelector(objectOf(webhook.objectSelector), object.metadata.labels ?? {}) &&
    (!namespaceLabels || matchesLabelSelector(objectOf(webhook.namespaceSelector), namespaceLabels)) &&
    isMatched(webhook, request)
  );
}

/** A condition without an answer refuses the object, unless the webhook may fail. */
function isMatched(webhook: JsonObject, { kind, object }: Pick<AdmissionRequest, 'kind' | 'object'>): boolean {
  try {
    return holdConditions(webhook, object);
  } catch (error) {
    if (webhook.failurePolicy !== 'Fail') return false;
    throw forbidden(kind, object.metadata.name, errorText(error).split('\n', 1)[0] ?? '');
  }
}

function matchesRule(rule: JsonObject, kind: Kind): boolean {
  const names = (list: Json | undefined, value: string) =>
    arrayOf(list).some(entry => entry === '*' || entry === value);
  const scope = kind.namespaced ? 'Namespaced' : 'Cluster';
  return (
    arrayOf(rule.operations).includes(IMPLEMENTED_OPERATION) &&
    names(rule.apiGroups, kind.group) &&
    names(rule.apiVersions, kind.version) &&
    (names(rule.resources, kind.resource) || arrayOf(rule.resources).includes('*/*')) &&
    (rule.scope === '*' || rule.scope === scope)
  );
}

async function callOne(
  options: WebhookAdmissionOptions,
  webhook: JsonObject,
  request: AdmissionRequest,
): Promise<Admitted> {
  const name = stringOf(webhook.name);
  const review = reviewOf(options.random, request);
  let response: JsonObject;
  try {
    response = await exchange(options, webhook, review);
  } catch (error) {
    const why = `failed calling webhook "${name}": failed to call webhook: ${errorText(error)}`;
    if (webhook.failurePolicy === 'Fail') throw internalError(why);
    return { object: request.object, warnings: [] };
  }
  if (response.allowed !== true) throw denialOf(name, objectOf(response.status));
  const warnings = arrayOf(response.warnings).map(warning => stringOf(warning));
  return { object: patched(request, name, response), warnings };
}

async function exchange(
  options: WebhookAdmissionOptions,
  webhook: JsonObject,
  review: JsonObject,
): Promise<JsonObject> {
  const timeoutSeconds = numberOf(webhook.timeoutSeconds) ?? 10;
  const target = admissionTargetOf(webhook, timeoutSeconds, options);
  using limit = deadline(options.clock, `webhook ${target.webhook}`, timeoutSeconds * 1000);
  const answer = await Promise.race([options.caller(target, review, limit.signal), rejection(limit.signal)]);
  const response = isObject(answer) ? answer.response : undefined;
  const { uid } = objectOf(review.request);
  if (!isObject(response)) throw new Error('webhook response was absent');
  if (response.uid !== uid) throw new Error(`expected response.uid="${stringOf(uid)}", got "${String(response.uid)}"`);
  return response;
}

/** A caller that ignores its signal must not hold the request longer than the webhook's timeout. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function errorText(error: unknown): string {
  if (error instanceof DeadlineExceededError) return 'context deadline exceeded';
  return error instanceof Error ? error.message : String(error);
}

function reviewOf(random: Random, { kind, namespace, user, object }: AdmissionRequest): JsonObject {
  const groupVersionKind = { group: kind.group, version: kind.version, kind: kind.kind };
  const resource = { group: kind.group, version: kind.version, resource: kind.resource };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUuid(random),
      kind: groupVersionKind,
      resource,
      requestKind: groupVersionKind,
      requestResource: resource,
      ...(object.metadata.name && { name: object.metadata.name }),
      ...(namespace && { namespace }),
      operation: IMPLEMENTED_OPERATION,
      userInfo: userInfoOf(user),
      object: shown(object),
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
}

/** As on the wire: an object that is to be named from its generateName has no name yet. */
function shown(object: ApiObject): JsonObject {
  const { name, ...metadata } = object.metadata;
  return copyJson({ ...object, metadata: name ? object.metadata : metadata });
}

function userInfoOf(user: KubeUser): JsonObject {
  const extra = Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]]);
  return {
    username: user.username,
    ...(user.uid && { uid: user.uid }),
    groups: [...(user.groups ?? [])],
    ...(extra.length > 0 && { extra: Object.fromEntries(extra) }),
  };
}

function denialOf(name: string, status: JsonObject): ApiError {
  const deniedBy = `admission webhook "${name}" denied the request`;
  const why = stringOf(status.message) || stringOf(status.reason);
  const code = Math.max(400, numberOf(status.code) ?? 400);
  return new ApiError(code, stringOf(status.reason), why ? `${deniedBy}: ${why}` : `${deniedBy} without explanation`);
}

function patched(request: AdmissionRequest, name: string, response: JsonObject): ApiObject {
  if (!response.patch) return request.object;
  if (response.patchType !== 'JSONPatch') {
    throw internalError(`webhook "${name}" returned unsupported patch type "${String(response.patchType)}"`);
  }
  try {
    const operations = JSON.parse(Buffer.from(stringOf(response.patch), 'base64').toString('utf8')) as Json;
    const changed = decoded(request.kind, applyJsonPatch(shown(request.object), operations));
    return defaulted(request.kind, changed);
  } catch (error) {
    throw internalError(`the patch of webhook "${name}" cannot be applied: ${errorText(error)}`);
  }
}
