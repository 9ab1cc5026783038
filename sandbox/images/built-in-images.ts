import { fileURLToPath } from 'node:url';
import type { ImageProgram } from '../kube/kubelet/child-process-runtime.ts';

const OWN_IMAGES = ['nginx', 'echo'];

/**
 * The programs behind the sandbox's images, whatever their tag or digest. `additional` names more, by repository:
 * `{ 'clb-direct': '/path/to/main.ts' }`.
 */
export function builtInImages(
  additional: Readonly<Record<string, string>> = {},
): (image: string) => ImageProgram | undefined {
  const programs = new Map<string, ImageProgram>();
  for (const name of OWN_IMAGES) {
    programs.set(name, { name, file: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)) });
  }
  for (const [name, file] of Object.entries(additional)) programs.set(name, { name, file });
  return image => programs.get(repositoryOf(image));
}

/** `docker.io/library/nginx:1.29@sha256:…` is `nginx`. */
function repositoryOf(image: string): string {
  const [withoutDigest = ''] = image.split('@');
  return withoutDigest.replace(/:[^:/]+$/, '').replace(/^docker\.io\/(library\/)?/, '');
}
