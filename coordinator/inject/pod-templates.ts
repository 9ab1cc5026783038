import { isObject } from '../webhook/pod-shape.ts';

/** Where something stands in a manifest. */
export type ManifestPath = readonly (string | number)[];

/** A Pod, or the template that a controller makes its Pods from. */
export interface PodTemplate {
  readonly path: ManifestPath;
  /** For people: `Deployment shop/web`. */
  readonly owner: string;
}

/** Of Deployments and all that are built like them, of CronJobs, and of PodTemplates. */
const TEMPLATE_PATHS: readonly ManifestPath[] = [
  ['spec', 'template'],
  ['spec', 'jobTemplate', 'spec', 'template'],
  ['template'],
];

/** All Pods and templates of Pods in a manifest, those in Lists too. Templates are told by their shape, whatever the kind. */
export function podTemplatesIn(manifest: unknown, path: ManifestPath = []): readonly PodTemplate[] {
  if (!isObject(manifest)) return [];
  if (Array.isArray(manifest.items)) {
    return manifest.items.flatMap((item, index) => podTemplatesIn(item, [...path, 'items', index]));
  }
  const owner = nameOf(manifest);
  if (manifest.kind === 'Pod') return [{ path, owner }];
  const found = TEMPLATE_PATHS.filter(candidate => hasContainers(at(manifest, candidate)));
  return found.map(candidate => ({ path: [...path, ...candidate], owner }));
}

/** What stands there; undefined when nothing does. */
export function at(value: unknown, path: ManifestPath): unknown {
  return path.reduce((parent: unknown, key) => {
    if (Array.isArray(parent)) return parent[Number(key)];
    return isObject(parent) ? parent[key] : undefined;
  }, value);
}

function hasContainers(template: unknown): boolean {
  return Array.isArray(at(template, ['spec', 'containers']));
}

function nameOf({ kind, metadata }: Readonly<Record<string, unknown>>): string {
  const { namespace, name, generateName } = isObject(metadata) ? metadata : {};
  const full = `${namespace === undefined ? '' : `${namespace}/`}${name ?? generateName ?? 'without a name'}`;
  return `${kind ?? 'object'} ${full}`;
}
