import type { Mount } from './container-runtime.ts';

/**
 * Leads a text that names a mounted path to the volume's directory on the machine: `/mnt/token`, `--token=/mnt/token`.
 * Stands in for the mount namespace that a child process does not have.
 */
export function withMountedPaths(text: string, mounts: readonly Mount[]): string {
  const deepestFirst = [...mounts].sort((first, second) => second.mountPath.length - first.mountPath.length);
  for (const { mountPath, directory } of deepestFirst) {
    for (const start of [0, text.indexOf('=') + 1]) {
      const end = start + mountPath.length;
      const isWhole = end === text.length || text[end] === '/';
      if (isWhole && text.startsWith(mountPath, start)) return text.slice(0, start) + directory + text.slice(end);
    }
  }
  return text;
}
