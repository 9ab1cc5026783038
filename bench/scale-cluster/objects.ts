/** What stands in the API server. */
import { DIRECT_ACCESS_ANNOTATION, INJECT_ANNOTATION } from '../../common/names.ts';
import { names } from '../../test/cluster/product/names.ts';

export const NAMESPACE = 'scale';
/** The Service, and the Deployment behind it, that is updated. */
export const ROLLING = 'rolling';
/** The same Deployment without Service and gate. */
export const PLAIN = 'plain';
/** The image of what serves; every other one just runs. */
export const WEB_IMAGE = 'web';

const INTERFACE = 'tke.cloud.tencent.com/eni-ip';
const GRACE_SECONDS = 30;

export function namespaceObject(): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
}

export function service(app: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: app, namespace: NAMESPACE, annotations: { [DIRECT_ACCESS_ANNOTATION]: 'true' } },
    spec: { type: 'LoadBalancer', selector: { app }, ports: [{ port: 80, targetPort: 80 }] },
  };
}

/** A Pod that no controller keeps, on a node that is chosen already. */
export function pod(name: string, app: string, nodeName: string): object {
  const template = podTemplate(app, {});
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name, namespace: NAMESPACE },
    spec: { ...template.spec, nodeName },
  };
}

/** @param availableAfterSeconds stands for the health check where there is no gate to wait for it. */
export function deployment(
  app: typeof ROLLING | typeof PLAIN,
  replicas: number,
  { availableAfterSeconds }: { readonly availableAfterSeconds: number },
): object {
  const annotations = app === PLAIN ? { [INJECT_ANNOTATION]: 'false' } : {};
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace: NAMESPACE },
    spec: {
      replicas,
      minReadySeconds: availableAfterSeconds,
      revisionHistoryLimit: 0,
      selector: { matchLabels: { app } },
      template: podTemplate(app, annotations),
    },
  };
}

/** A Pod of the product, so that its token can be bound to it and its container can be seen to end. */
export function ownPod(part: typeof names.agent | typeof names.coordinator, name: string, nodeName: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: names.namespace },
    spec: {
      nodeName,
      serviceAccountName: part,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: part, image: part }],
    },
  };
}

function podTemplate(app: string, annotations: Readonly<Record<string, string>>) {
  return {
    metadata: { labels: { app }, annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni', ...annotations } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      containers: [
        {
          name: 'web',
          image: WEB_IMAGE,
          ports: [{ containerPort: 80 }],
          resources: { limits: { [INTERFACE]: '1' } },
        },
      ],
    },
  };
}
