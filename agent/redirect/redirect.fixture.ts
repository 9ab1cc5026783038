/**
 * Run by `redirect.test.ts` in a network namespace of its own, where 10.44.0.5 and 10.44.0.6 stand for Pods that nothing
 * answers for. Prints one line of JSON: what became of each call.
 */
import { execFileSync } from 'node:child_process';
import { get } from 'node:http';
import type { HookCallee } from '../drain/hook-transport.ts';
import { openHttpHookServer } from '../drain/http-hook-server.ts';
import { runCommand } from './command-process.ts';
import type { RedirectRule } from './hook-redirect.ts';
import { nftRedirect } from './nft-redirect.ts';

const refusals: string[] = [];
const held: string[] = [];
const stop = new AbortController();

execFileSync('ip', ['link', 'set', 'lo', 'up']);
execFileSync('ip', ['link', 'add', 'pods', 'type', 'veth', 'peer', 'name', 'pods-peer']);
execFileSync('ip', ['addr', 'add', '10.44.0.1/24', 'dev', 'pods']);
execFileSync('ip', ['link', 'set', 'pods', 'up']);
execFileSync('ip', ['link', 'set', 'pods-peer', 'up']);

const hooks = await openHttpHookServer({
  host: '127.0.0.1',
  port: 0,
  procRoot: '/proc',
  onRefused: reason => refusals.push(reason),
});
const hold = async (callee: HookCallee) => {
  held.push('address' in callee ? callee.address : callee.podUid);
  return 'done';
};
const served = hooks.serve({ hold, podUidOf: () => undefined }, stop.signal);
const redirect = nftRedirect({
  run: runCommand,
  command: 'nft',
  agentPort: hooks.port,
  hasIpv6: false,
  isServed: async () => true,
});
const rule = (stamp: number, ...addresses: string[]): RedirectRule => ({
  owner: { stamp, incarnation: 'a' },
  addresses,
});

await redirect.replace(rule(1, '10.44.0.5'), stop.signal);
const hooked = await call('10.44.0.5', 19440);
const direct = await call('127.0.0.1', hooks.port, '10.44.0.5:19440');
const forged = await call('127.0.0.1', hooks.port, '10.44.0.5:19440', '10.44.0.1');
await redirect.replace(rule(2, '10.44.0.6'), stop.signal);
const other = await call('10.44.0.6', 19440);
const misnamed = await call('10.44.0.6', 19440, '10.44.0.5:19440');
await redirect.change({ stamp: 2, incarnation: 'a' }, { added: [], removed: ['10.44.0.6'] }, stop.signal);
const standing = await redirect.read(stop.signal);
stop.abort();
await served;
console.log(JSON.stringify({ hooked, direct, forged, other, misnamed, held, refusals, left: standing?.addresses }));

/** The status, or the error's code. */
function call(
  host: string,
  port: number,
  hostHeader = `${host}:${port}`,
  localAddress?: string,
): Promise<number | string> {
  return new Promise(resolve => {
    const headers = { host: hostHeader };
    const options = { host, port, path: '/v1/drain', headers, agent: false, ...(localAddress ? { localAddress } : {}) };
    get(options, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
