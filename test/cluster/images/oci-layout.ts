import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from '../command.ts';

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
/** The annotation that holds an image's name in the index. */
const nameAnnotation = 'org.opencontainers.image.ref.name';

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageSource {
  /** As registries see it, e.g. `library/nginx:latest`. */
  readonly name: string;
  /** Its contents become the image's only layer. */
  readonly rootFolder: string;
  readonly entrypoint: readonly string[];
}

/** Writes the images as one OCI image layout: `oci-layout`, `index.json`, `blobs/sha256/`. */
export async function writeLayout(layoutFolder: string, images: readonly ImageSource[]): Promise<void> {
  mkdirSync(join(layoutFolder, 'blobs', 'sha256'), { recursive: true });
  const manifests = await Promise.all(images.map(image => writeImage(layoutFolder, image)));
  writeFileSync(join(layoutFolder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(layoutFolder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** The manifest of `name:tag`, or undefined. */
export function findManifest(layoutFolder: string, name: string): Descriptor | undefined {
  const index = JSON.parse(readFileSync(join(layoutFolder, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
  return index.manifests.find(manifest => manifest.annotations?.[nameAnnotation] === name);
}

export function blobFile(layoutFolder: string, digest: string): string {
  return join(layoutFolder, 'blobs', ...digest.split(':'));
}

async function writeImage(layoutFolder: string, image: ImageSource): Promise<Descriptor> {
  const layer = await writeLayer(layoutFolder, image);
  const config = writeBlob(layoutFolder, configType, {
    architecture: { x64: 'amd64' }[arch() as string] ?? arch(),
    os: 'linux',
    config: {
      Entrypoint: image.entrypoint,
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] };
  return { ...writeBlob(layoutFolder, manifestType, manifest), annotations: { [nameAnnotation]: image.name } };
}

async function writeLayer(layoutFolder: string, image: ImageSource): Promise<Descriptor> {
  const unfinished = join(layoutFolder, `${image.name.replaceAll(/[/:]/g, '-')}.tar`);
  const reproducible = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@0'];
  await runCommand(['tar', '--create', '--file', unfinished, '--directory', image.rootFolder, ...reproducible, '.']);
  const hash = createHash('sha256');
  await pipeline(createReadStream(unfinished), hash);
  const digest = `sha256:${hash.digest('hex')}`;
  const { size } = statSync(unfinished);
  renameSync(unfinished, blobFile(layoutFolder, digest));
  return { mediaType: layerType, digest, size };
}

function writeBlob(layoutFolder: string, mediaType: string, value: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  writeFileSync(blobFile(layoutFolder, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}
