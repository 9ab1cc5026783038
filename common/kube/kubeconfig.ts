import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type BearerToken, KubeConfigError, type KubeConfiguration } from './configuration.ts';

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface LoadKubeConfigOptions {
  /** A kubeconfig file; the Pod's own ServiceAccount when left out. */
  readonly kubeconfigPath?: string | undefined;
  /** Where the in-cluster address is read from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the in-cluster token and authority are; for tests. */
  readonly serviceAccountFolder?: string;
}

/**
 * The current context of a kubeconfig, or the Pod's own ServiceAccount. Files are resolved from the kubeconfig's folder.
 * Users with token, tokenFile or client certificate work; others are refused.
 * @throws KubeConfigError
 */
export function loadKubeConfig(options: LoadKubeConfigOptions): Promise<KubeConfiguration> {
  return options.kubeconfigPath === undefined ? inCluster(options) : fromFile(options.kubeconfigPath);
}

async function inCluster(options: LoadKubeConfigOptions): Promise<KubeConfiguration> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = options.environment;
  if (!host) {
    throw new KubeConfigError('KUBERNETES_SERVICE_HOST is not set, so this is no Pod: name a file with --kubeconfig');
  }
  const folder = options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    certificateAuthority: await read(`${folder}/ca.crt`, 'the ServiceAccount'),
    bearerToken: { type: 'file', path: `${folder}/token` },
  };
}

/** The part of a kubeconfig that is used; everything else is ignored, as kubectl does. */
interface KubeConfigFile {
  'current-context'?: string;
  contexts?: { name?: string; context?: { cluster?: string; user?: string } }[];
  clusters?: { name?: string; cluster?: Cluster }[];
  users?: { name?: string; user?: User }[];
}

interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
}

interface User {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  exec?: unknown;
  'auth-provider'?: unknown;
  username?: string;
}

async function fromFile(path: string): Promise<KubeConfiguration> {
  const file = await parse(path);
  const contextName = file['current-context'];
  if (!contextName) throw new KubeConfigError(`${path}: current-context is missing`);
  const context = find(path, 'context', contextName, file.contexts)?.context;
  const cluster = find(path, 'cluster', context?.cluster ?? '', file.clusters)?.cluster;
  const user = find(path, 'user', context?.user ?? '', file.users)?.user;
  if (!cluster?.server) throw new KubeConfigError(`${path}: cluster '${context?.cluster}' has no server`);
  const reader = new FieldReader(path);
  const certificateAuthority = await reader.pem(cluster, 'certificate-authority');
  const clientCertificate = await reader.clientCertificate(user ?? {});
  const bearerToken = reader.bearerToken(user ?? {});
  if (!clientCertificate && !bearerToken) throw new KubeConfigError(credentialsProblem(path, context?.user, user));
  return {
    server: cluster.server,
    skipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
    ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
    ...(certificateAuthority !== undefined && { certificateAuthority }),
    ...(clientCertificate && { clientCertificate }),
    ...(bearerToken && { bearerToken }),
  };
}

async function parse(path: string): Promise<KubeConfigFile> {
  const text = await read(path, '--kubeconfig');
  const value = parseJson(text) ?? (await parseYaml(path, text));
  if (typeof value !== 'object' || value === null) throw new KubeConfigError(`${path} is no kubeconfig`);
  return value;
}

/** JSON is YAML, but needs no library of its own. Undefined if it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  // Loaded on demand: in a cluster no YAML is ever read.
  const yaml = await import('yaml');
  try {
    return yaml.parse(text);
  } catch (cause) {
    const [firstLine] = String(cause).split('\n');
    throw new KubeConfigError(`${path} is not readable as YAML: ${firstLine}`, { cause });
  }
}

function find<T extends { name?: string }>(path: string, kind: string, name: string, all: T[] | undefined): T {
  const found = Array.isArray(all) ? all.find(entry => entry.name === name) : undefined;
  if (!found) throw new KubeConfigError(`${path}: there is no ${kind} '${name}'`);
  return found;
}

function credentialsProblem(path: string, name: string | undefined, user: User | undefined): string {
  const unusable = (['exec', 'auth-provider', 'username'] as const).find(field => user?.[field] !== undefined);
  const next = 'give it a token, a tokenFile or a client certificate';
  return unusable
    ? `${path}: user '${name}' signs in with '${unusable}', which is not supported: ${next}`
    : `${path}: user '${name}' has no credentials: ${next}`;
}

/** Reads what a kubeconfig holds either inline in base64 (`<field>-data`) or as a path (`<field>`). */
class FieldReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async pem<Field extends string>(
    from: { readonly [key in Field | `${Field}-data`]?: string },
    field: Field,
  ): Promise<string | undefined> {
    const data = from[`${field}-data`];
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    const file = from[field];
    return file ? read(this.#resolve(file), `${this.#path}: ${field}`) : undefined;
  }

  async clientCertificate(user: User): Promise<{ certificate: string; key: string } | undefined> {
    const certificate = await this.pem(user, 'client-certificate');
    const key = await this.pem(user, 'client-key');
    if (certificate === undefined && key === undefined) return undefined;
    if (certificate === undefined || key === undefined) {
      throw new KubeConfigError(`${this.#path}: client-certificate and client-key belong together, one is missing`);
    }
    return { certificate, key };
  }

  /** A tokenFile wins over a token, as in client-go. */
  bearerToken(user: User): BearerToken | undefined {
    if (user.tokenFile) return { type: 'file', path: this.#resolve(user.tokenFile) };
    return user.token ? { type: 'fixed', token: user.token } : undefined;
  }

  #resolve(file: string): string {
    return resolve(dirname(this.#path), file);
  }
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new KubeConfigError(`${what}: cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
