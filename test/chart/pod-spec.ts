import type { Rendered } from './helm.ts';

/** As much of a Pod's specification as the policies look at. */
export interface PodSpec {
  /** Of the Pod's template. */
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly seccompProfile?: { readonly type: string } };
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name?: string }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly livenessProbe?: {
    readonly exec?: { readonly command: readonly string[] };
    readonly timeoutSeconds?: number;
    readonly periodSeconds?: number;
    readonly failureThreshold?: number;
    readonly terminationGracePeriodSeconds?: number;
  };
  readonly resources?: Readonly<Record<'requests' | 'limits', { readonly memory?: string; readonly cpu?: string }>>;
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly privileged?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
}

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Omit<PodSpec, 'labels'>;
}

/** The Pods that the object makes: one kind of them, or none. */
export function podsOf({ spec }: Rendered): readonly PodSpec[] {
  const template = (spec as { template?: Template } | undefined)?.template;
  return template ? [{ ...template.spec, labels: template.metadata.labels }] : [];
}

export function containersOf({ containers, initContainers = [] }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}
