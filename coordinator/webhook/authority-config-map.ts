import { resourcePath } from '../../common/kube/paths.ts';
import { CONFIG_MAP_NAME } from './certificate-bundle.ts';
import type { ObjectShape, StoredObject } from './kept-object.ts';

/** The file that agents mount; they read it at each connect. Other keys are not ours. */
export function authorityConfigMap(options: {
  readonly namespace: string;
  /** What agents have to trust, as it is now. */
  readonly caPem: () => string;
}): ObjectShape {
  const { namespace, caPem } = options;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    collection: resourcePath({ version: 'v1', resource: 'configmaps', namespace }),
    name: CONFIG_MAP_NAME,
    namespace,
    desired: caPem,
    observed: found => dataOf(found)?.['ca.crt'],
    withDesired: (base, pem) => ({ ...base, data: { ...dataOf(base), 'ca.crt': pem } }),
  };
}

function dataOf(found: StoredObject): Readonly<Record<string, unknown>> | undefined {
  return found.data as Readonly<Record<string, unknown>> | undefined;
}
