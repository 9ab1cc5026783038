/**
 * For the programs that tests run in a network namespace of their own. 10.44.0.5, 10.44.0.6 and fd00:44::5 stand there for
 * Pods that nothing answers for, among the rules that a node of Kubernetes has.
 */
import { execFileSync } from 'node:child_process';
import { get } from 'node:http';
import { parseArgs } from 'node:util';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { HOOK_PORT } from '../../common/names.ts';
import type { HookCallees } from '../drain/hook-transport.ts';
import { type HookRefusal, type HttpHookServer, openHttpHookServer } from '../drain/http-hook-server.ts';
import { runCommand } from './command-process.ts';
import type { HookRedirect, RedirectRule } from './hook-redirect.ts';
import { iptablesRedirect } from './iptables-redirect.ts';
import { nftRedirect } from './nft-redirect.ts';
import type { RedirectMeans } from './redirect-choice.ts';
import { RememberedRedirect } from './remembered-redirect.ts';
import { isPortTaken } from './tcp-port-taken.ts';

export const NODE = '10.44.0.1';
export const POD = '10.44.0.5';
export const OTHER_POD = '10.44.0.6';
export const IPV6_POD = 'fd00:44::5';
export const TOKEN = 'k3V9xQ_2mZ-81bTfRw0a';

export function makeNetwork(): void {
  const commands = [
    'link set lo up',
    'link add pods type veth peer name pods-peer',
    `addr add ${NODE}/24 dev pods`,
    'addr add fd00:44::1/64 dev pods nodad',
    'link set pods up',
    'link set pods-peer up',
  ];
  for (const command of commands) execFileSync('ip', command.split(' '));
}

/** As kube-proxy, the kubelet and a CNI plugin write them, and one that would send hook calls elsewhere. */
export function makeNeighbours(variant: 'nft' | 'legacy'): void {
  const rules = [
    '-t mangle -N KUBE-PROXY-CANARY',
    '-t nat -N KUBE-SERVICES',
    '-t nat -A OUTPUT -j KUBE-SERVICES',
    `-t nat -A KUBE-SERVICES -d ${POD}/32 -p tcp --dport 19440 -j DNAT --to-destination 10.44.0.9:80`,
    '-t nat -A POSTROUTING -s 10.44.0.0/24 -j MASQUERADE',
    '-A INPUT -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
  ];
  for (const rule of rules) execFileSync(`iptables-${variant}`, rule.split(' '), { stdio: 'ignore' });
}

export interface FixtureAgent {
  readonly port: number;
  readonly redirect: HookRedirect;
  readonly refusals: HookRefusal[];
  /** Accepts no more calls, and resolves when those it has are answered. */
  stop(): Promise<void>;
}

export function meansFromArguments(): RedirectMeans {
  return parseArgs({ allowPositionals: true }).positionals[0] as RedirectMeans;
}

export async function startAgent(means: RedirectMeans, hold: HookCallees['hold']): Promise<FixtureAgent> {
  const refusals: HookRefusal[] = [];
  const stop = new AbortController();
  const onRefused = (reason: HookRefusal) => void refusals.push(reason);
  const port = means === 'off' ? HOOK_PORT : 0;
  const sharesPort = means === 'off';
  const hooks = await openHttpHookServer({
    host: '127.0.0.1',
    port,
    hookPort: HOOK_PORT,
    sharesPort,
    procRoot: '/proc',
    onRefused,
  });
  const redirect = redirectBy(means, hooks);
  const podUidOf = (token: string) => (token === TOKEN ? 'uid-1' : undefined);
  const isHooked = () => means !== 'off';
  const served = hooks.serve({ hold, isHooked, podUidOf }, stop.signal);
  const stopAgent = () => {
    stop.abort();
    return served;
  };
  return { port: hooks.port, redirect, refusals, stop: stopAgent };
}

function redirectBy(means: RedirectMeans, { port: agentPort, hasIpv6 }: HttpHookServer): HookRedirect {
  const isServed = (port: number) => isPortTaken('127.0.0.1', port);
  const common = { names: DEFAULT_INSTANCE, run: runCommand, agentPort, hasIpv6, isServed };
  if (means === 'off') return new RememberedRedirect().edge(agentPort);
  if (means === 'nft') return nftRedirect({ ...common, command: 'nft' });
  return iptablesRedirect({ ...common, variant: means === 'iptables-nft' ? 'nft' : 'legacy' });
}

export function ruleOf(stamp: number, ...addresses: string[]): RedirectRule {
  return { owner: { stamp, incarnation: 'a' }, addresses };
}

export interface HookCall {
  readonly host: string;
  readonly port?: number;
  readonly hostHeader?: string;
  readonly path?: string;
  readonly localAddress?: string;
}

/** The status, or the error's code. */
export function call({ host, port = 19440, hostHeader, path = '/v1/drain', localAddress }: HookCall) {
  return new Promise<number | string>(resolve => {
    const named = host.includes(':') ? `[${host}]` : host;
    const headers = { host: hostHeader ?? `${named}:${port}` };
    const options = { host, port, path, headers, agent: false, ...(localAddress ? { localAddress } : {}) };
    get(options, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
