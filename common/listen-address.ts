/** The parts of `host:port`, as the option type `address` has checked it; brackets around an IPv6 host are taken off. */
export function listenAddress(hostAndPort: string): { readonly host: string; readonly port: number } {
  const colon = hostAndPort.lastIndexOf(':');
  return { host: hostAndPort.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(hostAndPort.slice(colon + 1)) };
}
