import type { InstanceNames } from '../../common/instance-names.ts';
import type { SecretLook } from '../kube/secret-reader.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';

/** What an Ingress refers to, all of its own namespace. */
export interface IngressFacts {
  readonly names: InstanceNames;
  /** TKE's own Ingress controller runs in this cluster. */
  readonly tkeController: boolean;
  readonly service: (name: string) => ServiceRecord | undefined;
  /** Undefined until it was read. */
  readonly secret: (name: string) => SecretLook | undefined;
}
