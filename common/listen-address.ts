/** The parts of `host:port`, as the option type `address` has checked it; brackets around an IPv6 host are taken off. */
export function listenAddress(hostAndPort: string): { readonly host: string; readonly port: number } {
  const colon = hostAndPort.lastIndexOf(':');
  return { host: hostAndPort.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(hostAndPort.slice(colon + 1)) };
}

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'no address of this machine',
  EACCES: 'permission denied; ports below 1024 need the capability NET_BIND_SERVICE',
};

/**
 * Opens what listens at the address of an option, for example `--http-listen`.
 * @throws Error whose message is one line that names option, address and cause.
 */
export async function openAt<T>(
  option: string,
  hostAndPort: string,
  open: (address: { readonly host: string; readonly port: number }) => Promise<T>,
): Promise<T> {
  try {
    return await open(listenAddress(hostAndPort));
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const [line] = message.split('\n');
    throw new Error(`${option} ${hostAndPort}: ${CAUSES[code] ?? line}`, { cause });
  }
}
