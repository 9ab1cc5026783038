/** What the Tag of a binding says: whose it is (law L5) and that it is ours (law L6). */
export interface Mark {
  /** Short hash of the cluster and the instance. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly podUid: string;
}

const VERSION = 'cd1';

/** `cd1:<cluster>:<namespace>/<name>:<pod uid>` (design section 4, Marks). */
export function formatMark(mark: Mark): string {
  return `${VERSION}:${mark.cluster}:${mark.namespace}/${mark.name}:${mark.podUid}`;
}

/** The mark in a Tag, or undefined when the Tag is not one of this cluster's marks: then the binding is not ours. */
export function parseMark(tag: string, cluster: string): Mark | undefined {
  const [version, markCluster, pod, podUid, ...rest] = tag.split(':');
  if (version !== VERSION || markCluster !== cluster || !pod || !podUid || rest.length > 0) return undefined;
  const [namespace, name, ...more] = pod.split('/');
  if (!namespace || !name || more.length > 0) return undefined;
  return { cluster, namespace, name, podUid };
}

/** Whether the Tag is a mark of any cluster, of this version or another: then the binding is somebody's of our kind. */
export function isAnyMark(tag: string): boolean {
  return /^cd\d+:/.test(tag);
}
