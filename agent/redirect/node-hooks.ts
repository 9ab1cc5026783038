import type { InstanceNames } from '../../common/instance-names.ts';
import { listenAddress, openAt } from '../../common/listen-address.ts';
import type { Logger } from '../../common/logger.ts';
import { type HttpHookServer, type HttpHookServerOptions, openHttpHookServer } from '../drain/http-hook-server.ts';
import { runCommand } from './command-process.ts';
import type { HookRedirect } from './hook-redirect.ts';
import { iptablesRedirect } from './iptables-redirect.ts';
import { nftRedirect } from './nft-redirect.ts';
import { nodeFirewall } from './proc-firewall.ts';
import { chooseRedirect, type RedirectMeans } from './redirect-choice.ts';
import { RememberedRedirect } from './remembered-redirect.ts';
import { isPortTaken } from './tcp-port-taken.ts';

export interface NodeHooksOptions extends Pick<HttpHookServerOptions, 'procRoot' | 'onRefused'> {
  readonly means: RedirectMeans | 'auto';
  readonly names: InstanceNames;
  /** `host:port`; undefined: a free loopback port behind a redirect, the hook port of the loopback address without one. */
  readonly drainListen: string | undefined;
  readonly nftCommand: string;
  readonly log: Logger;
}

export interface NodeHooks {
  readonly hooks: HttpHookServer;
  readonly redirect: HookRedirect;
}

const FREE_PORT = '127.0.0.1:0';

/** Opens the drain server and finds the means that lead calls to it. @throws Error when it cannot listen. */
export async function openNodeHooks(options: NodeHooksOptions, signal: AbortSignal): Promise<NodeHooks> {
  const means = options.means === 'auto' ? await chosenMeans(options, signal) : options.means;
  const { hookPort } = options.names;
  // Where calls with a token arrive that nothing redirects; shared, so that two agents can be there during a hand-over.
  const drainListen = options.drainListen ?? (means === 'off' ? `127.0.0.1:${hookPort}` : FREE_PORT);
  const hooks = await openAt('--drain-listen', drainListen, address =>
    openHttpHookServer({ ...options, ...address, hookPort, sharesPort: means === 'off' }),
  );
  options.log.info('drain server listens', { drainPort: hooks.port, hasIpv6: hooks.hasIpv6, redirect: means });
  const { host } = listenAddress(drainListen);
  const isServed = (port: number) => isPortTaken(host, port);
  return { hooks, redirect: redirectBy(means, hooks, { isServed, ...options }) };
}

function redirectBy(
  means: RedirectMeans,
  { port: agentPort, hasIpv6 }: HttpHookServer,
  { isServed, nftCommand, names }: Pick<HookRedirect, 'isServed'> & Pick<NodeHooksOptions, 'nftCommand' | 'names'>,
): HookRedirect {
  const common = { run: runCommand, names, agentPort, hasIpv6, isServed };
  switch (means) {
    case 'nft':
      return nftRedirect({ ...common, command: nftCommand });
    case 'iptables-nft':
      return iptablesRedirect({ ...common, variant: 'nft' });
    case 'iptables-legacy':
      return iptablesRedirect({ ...common, variant: 'legacy' });
    case 'off':
      return new RememberedRedirect().edge(agentPort);
  }
}

async function chosenMeans(
  { procRoot, nftCommand, names, log }: NodeHooksOptions,
  signal: AbortSignal,
): Promise<RedirectMeans> {
  const firewall = await nodeFirewall({ procRoot, nftCommand, names, run: runCommand });
  const { means, refusals } = await chooseRedirect(firewall, signal);
  if (means === 'off') log.warn('this node redirects nothing: only preStop hooks with a token are held', { refusals });
  else if (refusals.length > 0) log.info('redirecting by the second choice', { means, refusals });
  return means;
}
