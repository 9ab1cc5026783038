import type { Container, Pod } from '../../../common/kube/objects.ts';

/** Why a container cannot be made; becomes its waiting message (CreateContainerConfigError). */
export class ContainerConfigurationError extends Error {
  override readonly name = 'ContainerConfigurationError';
}

export interface PodPlace {
  readonly pod: Pod;
  readonly podIp: string;
  readonly nodeAddress: string;
}

/** The variables of a container, later ones seeing earlier ones. @throws ContainerConfigurationError */
export function containerEnvironment(container: Container, place: PodPlace): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { name, value = '', valueFrom } of container.env ?? []) {
    if (!valueFrom) variables[name] = expand(value, variables);
    else if (valueFrom.fieldRef) variables[name] = fieldValue(valueFrom.fieldRef.fieldPath, place);
    else throw new ContainerConfigurationError(`env ${name}: of valueFrom only fieldRef is supported here`);
  }
  return variables;
}

/** `$(NAME)` becomes the variable's value, `$$` a dollar sign; names that do not exist stay as they are. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? match),
  );
}

function fieldValue(fieldPath: string, { pod, podIp, nodeAddress }: PodPlace): string {
  const { name, namespace = 'default', uid = '', labels = {}, annotations = {} } = pod.metadata;
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'metadata.uid': uid,
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.hostIP': nodeAddress,
    'status.podIP': podIp,
    'status.podIPs': podIp,
  };
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath) ?? [];
  if (map !== undefined && key !== undefined) return (map === 'labels' ? labels : annotations)[key] ?? '';
  const value = fields[fieldPath];
  if (value === undefined) throw new ContainerConfigurationError(`the field path ${fieldPath} is not supported here`);
  return value;
}
