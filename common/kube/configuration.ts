/** How to reach an API server and who we are there. */
export interface KubeConfiguration {
  /** `https://host:port`, with a path if the server stands below one. */
  readonly server: string;
  /** PEM; the system's authorities when left out. */
  readonly certificateAuthority?: string;
  /** The name to expect in the server's certificate, if not the host of `server`. */
  readonly tlsServerName?: string;
  readonly skipTlsVerify?: boolean;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly bearerToken?: BearerToken;
}

export type BearerToken =
  | { readonly type: 'fixed'; readonly token: string }
  /** Read again whenever the file changes: projected tokens live for an hour or less. */
  | { readonly type: 'file'; readonly path: string };

/** The configuration cannot be used; the message names the file, the cause and what to do. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}
