/**
 * Field numbers of k8s.io/api's generated.proto (v0.34) for what `kubectl create NAME` sends: it writes its objects as
 * protobuf and does not fall back to JSON. What is not listed here cannot be read, and is refused.
 */
export type ProtobufField =
  | {
      readonly type:
        | 'string'
        | 'integer'
        | 'boolean'
        | 'strings'
        | 'stringMap'
        | 'bytesMap'
        | 'intOrString'
        | 'ignored';
    }
  /** A pointer in Go: a zero that is written was meant. */
  | { readonly type: 'optionalInteger' | 'optionalIntOrString' }
  | { readonly type: 'message' | 'messages'; readonly of: ProtobufMessage };

export type ProtobufMessage = Readonly<Record<number, readonly [name: string, field: ProtobufField]>>;

const STRING: ProtobufField = { type: 'string' };
const STRINGS: ProtobufField = { type: 'strings' };
const INTEGER: ProtobufField = { type: 'integer' };
const OPTIONAL_INTEGER: ProtobufField = { type: 'optionalInteger' };
const BOOLEAN: ProtobufField = { type: 'boolean' };
const STRING_MAP: ProtobufField = { type: 'stringMap' };
const BYTES_MAP: ProtobufField = { type: 'bytesMap' };
const INT_OR_STRING: ProtobufField = { type: 'intOrString' };
const OPTIONAL_INT_OR_STRING: ProtobufField = { type: 'optionalIntOrString' };
const IGNORED: ProtobufField = { type: 'ignored' };
const EMPTY: ProtobufMessage = {};

function message(of: ProtobufMessage): ProtobufField {
  return { type: 'message', of };
}

function messages(of: ProtobufMessage): ProtobufField {
  return { type: 'messages', of };
}

const METADATA = message({
  1: ['name', STRING],
  2: ['generateName', STRING],
  3: ['namespace', STRING],
  4: ['selfLink', STRING],
  5: ['uid', STRING],
  6: ['resourceVersion', STRING],
  7: ['generation', INTEGER],
  8: ['creationTimestamp', IGNORED],
  11: ['labels', STRING_MAP],
  12: ['annotations', STRING_MAP],
  14: ['finalizers', STRINGS],
});

const LABEL_SELECTOR = message({
  1: ['matchLabels', STRING_MAP],
  2: ['matchExpressions', messages({ 1: ['key', STRING], 2: ['operator', STRING], 3: ['values', STRINGS] })],
});

const CONTAINER: ProtobufMessage = {
  1: ['name', STRING],
  2: ['image', STRING],
  3: ['command', STRINGS],
  4: ['args', STRINGS],
  5: ['workingDir', STRING],
  6: [
    'ports',
    messages({
      1: ['name', STRING],
      2: ['hostPort', INTEGER],
      3: ['containerPort', INTEGER],
      4: ['protocol', STRING],
      5: ['hostIP', STRING],
    }),
  ],
  7: ['env', messages({ 1: ['name', STRING], 2: ['value', STRING] })],
  8: ['resources', message(EMPTY)],
  13: ['terminationMessagePath', STRING],
  14: ['imagePullPolicy', STRING],
  16: ['stdin', BOOLEAN],
  17: ['stdinOnce', BOOLEAN],
  18: ['tty', BOOLEAN],
  20: ['terminationMessagePolicy', STRING],
};

const POD_SPEC = message({
  2: ['containers', messages(CONTAINER)],
  3: ['restartPolicy', STRING],
  4: ['terminationGracePeriodSeconds', OPTIONAL_INTEGER],
  6: ['dnsPolicy', STRING],
  7: ['nodeSelector', STRING_MAP],
  8: ['serviceAccountName', STRING],
  9: ['serviceAccount', STRING],
  10: ['nodeName', STRING],
  11: ['hostNetwork', BOOLEAN],
  12: ['hostPID', BOOLEAN],
  13: ['hostIPC', BOOLEAN],
  14: ['securityContext', message(EMPTY)],
  16: ['hostname', STRING],
  17: ['subdomain', STRING],
  19: ['schedulerName', STRING],
  24: ['priorityClassName', STRING],
});

const DEPLOYMENT_SPEC = message({
  1: ['replicas', OPTIONAL_INTEGER],
  2: ['selector', LABEL_SELECTOR],
  3: ['template', message({ 1: ['metadata', METADATA], 2: ['spec', POD_SPEC] })],
  4: ['strategy', message({ 1: ['type', STRING] })],
  5: ['minReadySeconds', INTEGER],
  6: ['revisionHistoryLimit', OPTIONAL_INTEGER],
  7: ['paused', BOOLEAN],
  9: ['progressDeadlineSeconds', OPTIONAL_INTEGER],
});

const SERVICE_SPEC = message({
  1: [
    'ports',
    messages({
      1: ['name', STRING],
      2: ['protocol', STRING],
      3: ['port', INTEGER],
      4: ['targetPort', INT_OR_STRING],
      5: ['nodePort', INTEGER],
    }),
  ],
  2: ['selector', STRING_MAP],
  3: ['clusterIP', STRING],
  4: ['type', STRING],
  5: ['externalIPs', STRINGS],
  7: ['sessionAffinity', STRING],
  8: ['loadBalancerIP', STRING],
  10: ['externalName', STRING],
  11: ['externalTrafficPolicy', STRING],
  12: ['healthCheckNodePort', INTEGER],
  13: ['publishNotReadyAddresses', BOOLEAN],
});

const TOKEN_REQUEST_SPEC = message({
  1: ['audiences', STRINGS],
  3: [
    'boundObjectRef',
    message({ 1: ['kind', STRING], 2: ['apiVersion', STRING], 3: ['name', STRING], 4: ['uid', STRING] }),
  ],
  4: ['expirationSeconds', OPTIONAL_INTEGER],
});

function object(fields: ProtobufMessage): ProtobufMessage {
  return { 1: ['metadata', METADATA], ...fields };
}

const BUDGET_SPEC = message({
  1: ['minAvailable', OPTIONAL_INT_OR_STRING],
  2: ['selector', LABEL_SELECTOR],
  3: ['maxUnavailable', OPTIONAL_INT_OR_STRING],
});

/** By `apiVersion kind`. A status sent with a create is dropped by the server anyway. */
export const PROTOBUF_OBJECTS: ReadonlyMap<string, ProtobufMessage> = new Map([
  ['v1 Namespace', object({ 2: ['spec', message(EMPTY)], 3: ['status', IGNORED] })],
  ['v1 ConfigMap', object({ 2: ['data', STRING_MAP], 3: ['binaryData', BYTES_MAP] })],
  ['v1 Secret', object({ 2: ['data', BYTES_MAP], 3: ['type', STRING], 4: ['stringData', STRING_MAP] })],
  ['v1 ServiceAccount', object({})],
  ['v1 Service', object({ 2: ['spec', SERVICE_SPEC], 3: ['status', IGNORED] })],
  ['apps/v1 Deployment', object({ 2: ['spec', DEPLOYMENT_SPEC], 3: ['status', IGNORED] })],
  ['policy/v1 PodDisruptionBudget', object({ 2: ['spec', BUDGET_SPEC], 3: ['status', IGNORED] })],
  ['authentication.k8s.io/v1 TokenRequest', object({ 2: ['spec', TOKEN_REQUEST_SPEC], 3: ['status', IGNORED] })],
]);
