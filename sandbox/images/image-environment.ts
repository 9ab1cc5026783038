/** What the programs of the built-in images are told from outside. */
export interface ImageEnvironment {
  readonly podName: string;
  readonly podUid: string;
  readonly address: string;
  readonly port: number;
  /** Where the counters' last line goes at exit. */
  readonly counterFile: string | undefined;
}

/** From the environment; `--port N` comes over PORT. @throws Error that names the value which is not a port. */
export function imageEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  defaultPort: number,
): ImageEnvironment {
  const flag = args.indexOf('--port');
  const text = flag >= 0 ? (args[flag + 1] ?? '') : (variables.PORT ?? String(defaultPort));
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`PORT must be a port number from 1 to 65535, got "${text}"`);
  }
  return {
    podName: variables.POD_NAME ?? 'unknown',
    podUid: variables.POD_UID ?? 'unknown',
    address: variables.POD_IP ?? '127.0.0.1',
    port,
    counterFile: variables.COUNTER_FILE,
  };
}

/** What to tell somebody whose Pod cannot listen. */
export function explainListenError(error: NodeJS.ErrnoException, { address, port }: ImageEnvironment): string {
  const what = `cannot listen on ${address}:${port}`;
  switch (error.code) {
    case 'EACCES':
      return `${what}: permission denied. Ports under 1024 need root or "sysctl net.ipv4.ip_unprivileged_port_start=${port}"; or set PORT to a higher one`;
    case 'EADDRINUSE':
      return `${what}: another process has it. A Pod that is still ending may hold the address; the container is started again`;
    default:
      return `${what}: ${error.message}`;
  }
}
