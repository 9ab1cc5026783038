import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, sleep } from '../../../common/clock.ts';
import type { ConfigMap, Pod, Secret } from '../../../common/kube/objects.ts';
import { hasStatus, type KubeClient } from '../kube-client.ts';
import { collectionPath, objectPath } from '../resource-path.ts';
import { parseTimestamp } from '../timestamp.ts';
import type { NodeDirectory } from './node-directory.ts';
import type { PodVolumes } from './pod-volumes.ts';

/** How often sources are read again, as the real kubelet does about once a minute. */
const REFRESH_PERIOD_MS = 60_000;
/** A token is replaced after this share of its life. */
const TOKEN_LIFE_SHARE = 0.8;
const DEFAULT_TOKEN_SECONDS = 3_600;
const TOKEN_FILE_MODE = 0o600;

export interface DiskVolumesOptions {
  readonly directory: NodeDirectory;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: (message: string, details?: Readonly<Record<string, unknown>>) => void;
}

interface Items {
  readonly items?: readonly { readonly key: string; readonly path: string }[];
  readonly optional?: boolean;
}

/** A source in a projected volume, in which Secrets and ConfigMaps are both called by `name`. */
interface Projection {
  readonly serviceAccountToken?: {
    readonly path: string;
    readonly audience?: string;
    readonly expirationSeconds?: number;
  };
  readonly configMap?: Items & { readonly name: string };
  readonly secret?: Items & { readonly name: string };
}

interface Volume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly hostPath?: { readonly path: string };
  readonly configMap?: Items & { readonly name: string };
  readonly secret?: Items & { readonly secretName: string };
  readonly projected?: { readonly sources?: readonly Projection[] };
}

/** Volumes as folders of the node's directory: emptyDir, hostPath, configMap, secret and projected ones. */
export function diskVolumes(options: DiskVolumesOptions): PodVolumes {
  const refreshing = new Map<string, AbortController>();
  return {
    async prepare(pod, signal) {
      const podVolumes = new VolumesOfPod(options, pod);
      const directories = await podVolumes.make(signal);
      const uid = pod.metadata.uid ?? '';
      const stop = new AbortController();
      refreshing.get(uid)?.abort();
      refreshing.set(uid, stop);
      void podVolumes.refresh(stop.signal);
      return directories;
    },
    async release(podUid) {
      refreshing.get(podUid)?.abort();
      refreshing.delete(podUid);
      await rm(join(options.directory.path, 'volumes', podUid), { recursive: true, force: true });
    },
  };
}

class VolumesOfPod {
  readonly #options: DiskVolumesOptions;
  readonly #pod: Pod;
  readonly #volumes: readonly Volume[];
  /** When tokens are due, by file. */
  readonly #tokensDueAt = new Map<string, number>();

  constructor(options: DiskVolumesOptions, pod: Pod) {
    this.#options = options;
    this.#pod = pod;
    this.#volumes = (pod.spec.volumes ?? []) as unknown as readonly Volume[];
  }

  async make(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const directories = new Map<string, string>();
    for (const volume of this.#volumes) {
      const folder = this.#folderOf(volume);
      await mkdir(folder, { recursive: true });
      await this.#fill(volume, folder, signal);
      directories.set(volume.name, folder);
    }
    return directories;
  }

  /** Keeps the files fresh until `signal` aborts; never rejects. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, REFRESH_PERIOD_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.make(signal).catch(error => {
        if (!signal.aborted) log('volumes could not be refreshed', { pod: this.#pod.metadata.name, error });
      });
    }
  }

  #folderOf({ name, hostPath }: Volume): string {
    const root = this.#options.directory.path;
    return hostPath ? join(root, hostPath.path) : join(root, 'volumes', this.#pod.metadata.uid ?? '', name);
  }

  async #fill(volume: Volume, folder: string, signal: AbortSignal): Promise<void> {
    if (volume.emptyDir || volume.hostPath) return;
    const sources = this.#sourcesOf(volume);
    if (!sources) throw new Error(`volume ${volume.name}: the sandbox has no volumes of this type`);
    for (const source of sources) {
      try {
        await this.#project(source, folder, signal);
      } catch (error) {
        throw new Error(`volume ${volume.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
  }

  #sourcesOf({ configMap, secret, projected }: Volume): readonly Projection[] | undefined {
    if (configMap) return [{ configMap }];
    if (secret) return [{ secret: { ...secret, name: secret.secretName } }];
    return projected && (projected.sources ?? []);
  }

  async #project(source: Projection, folder: string, signal: AbortSignal): Promise<void> {
    const { configMap, secret, serviceAccountToken } = source;
    if (configMap) {
      const found = await this.#get<ConfigMap>('configmaps', configMap, signal);
      await writeItems(folder, toBuffers(found?.data, 'utf8'), configMap);
    } else if (secret) {
      const found = await this.#get<Secret>('secrets', secret, signal);
      await writeItems(folder, toBuffers(found?.data, 'base64'), secret);
    } else if (serviceAccountToken) await this.#projectToken(serviceAccountToken, folder, signal);
    else throw new Error(`a projection of ${Object.keys(source).join(', ')} is not supported here`);
  }

  async #get<T>(
    resource: 'configmaps' | 'secrets',
    { name, optional }: Items & { readonly name: string },
    signal: AbortSignal,
  ): Promise<T | undefined> {
    try {
      return await this.#options.client.get<T>(
        `${collectionPath(resource, this.#pod.metadata.namespace)}/${name}`,
        signal,
      );
    } catch (error) {
      if (optional && hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #projectToken(
    { path, audience, expirationSeconds = DEFAULT_TOKEN_SECONDS }: NonNullable<Projection['serviceAccountToken']>,
    folder: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#options;
    const file = join(folder, path);
    if (clock.wallNow() < (this.#tokensDueAt.get(file) ?? 0)) return;
    const { name, namespace = 'default', uid } = this.#pod.metadata;
    const account = { metadata: { name: this.#pod.spec.serviceAccountName ?? 'default', namespace } };
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
    const spec = { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const { status } = await client.create<TokenAnswer>(objectPath('serviceaccounts', account, 'token'), body, signal);
    await replaceFile(file, Buffer.from(status.token));
    const lifeMs = parseTimestamp(status.expirationTimestamp) - clock.wallNow();
    this.#tokensDueAt.set(file, clock.wallNow() + lifeMs * TOKEN_LIFE_SHARE);
  }
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

function toBuffers(data: Record<string, string> | undefined, encoding: 'utf8' | 'base64'): Map<string, Buffer> {
  return new Map(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}

async function writeItems(
  folder: string,
  data: ReadonlyMap<string, Buffer>,
  { items, optional }: Items,
): Promise<void> {
  const wanted = items ?? [...data.keys()].map(key => ({ key, path: key }));
  for (const { key, path } of wanted) {
    const content = data.get(key);
    if (content) await replaceFile(join(folder, path), content);
    else if (!optional) throw new Error(`references non-existent key: ${key}`);
  }
}

/** Readers see the old content or the new, never half of it. */
async function replaceFile(file: string, content: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, content, { mode: TOKEN_FILE_MODE });
  await rename(`${file}.new`, file);
}
