import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../child-process.ts';

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
/** The annotation that holds an image's name in the index. */
const nameAnnotation = 'org.opencontainers.image.ref.name';
/** What `ctr images import` calls it, in full. */
const importNameAnnotation = 'io.containerd.image.name';

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
  /** Whom it runs as; default: root. */
  readonly user?: string;
  /** What ends it; default: SIGTERM. */
  readonly stopSignal?: string;
  readonly labels?: Readonly<Record<string, string>>;
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
  const index = readJson(join(layoutFolder, 'index.json')) as { manifests: Descriptor[] };
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
      ...(image.user !== undefined && { User: image.user }),
      ...(image.stopSignal !== undefined && { StopSignal: image.stopSignal }),
      ...(image.labels && { Labels: image.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] };
  return {
    ...writeBlob(layoutFolder, manifestType, manifest),
    annotations: { [nameAnnotation]: image.name, [importNameAnnotation]: `docker.io/${image.name}` },
  };
}

async function writeLayer(layoutFolder: string, image: ImageSource): Promise<Descriptor> {
  const unfinished = join(layoutFolder, `${image.name.replaceAll(/[/:]/g, '-')}.tar`);
  await tar(['--create', '--file', unfinished, '--directory', image.rootFolder, ...reproducible, '.']);
  const hash = createHash('sha256');
  await pipeline(createReadStream(unfinished), hash);
  const digest = `sha256:${hash.digest('hex')}`;
  const { size } = statSync(unfinished);
  renameSync(unfinished, blobFile(layoutFolder, digest));
  return { mediaType: layerType, digest, size };
}

/**
 * Writes the layout's only image as one file that `ctr images import` and `docker load` take.
 * @throws Error when tar fails, or the layout has not one image
 */
export async function writeArchive(layoutFolder: string, file: string): Promise<void> {
  const { manifests } = readJson(join(layoutFolder, 'index.json')) as { manifests: Descriptor[] };
  const [descriptor] = manifests;
  if (!descriptor || manifests.length > 1) throw new Error(`${layoutFolder} has ${manifests.length} images, not one`);
  const { config, layers } = readJson(blobFile(layoutFolder, descriptor.digest)) as Record<'config', Descriptor> & {
    layers: Descriptor[];
  };
  const path = ({ digest }: Descriptor) => join('blobs', ...digest.split(':'));
  const name = descriptor.annotations?.[nameAnnotation]?.replace(/^library\//, '') ?? '';
  // Docker reads no index before version 25.
  const docker = [{ Config: path(config), RepoTags: [name], Layers: layers.map(path) }];
  writeFileSync(join(layoutFolder, 'manifest.json'), JSON.stringify(docker));
  await tar(['--create', '--file', file, '--directory', layoutFolder, ...reproducible, '.']);
}

const reproducible = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@0'];

async function tar(args: readonly string[]): Promise<void> {
  const { exitCode, output } = await run('tar', args, { cwd: process.cwd() });
  if (exitCode !== 0) throw new Error(`tar ended with ${exitCode}: ${output.trim()}`);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function writeBlob(layoutFolder: string, mediaType: string, value: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  writeFileSync(blobFile(layoutFolder, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}
