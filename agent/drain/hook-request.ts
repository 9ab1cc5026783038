import { isIP } from 'node:net';
import { HOOK_PATH } from '../../common/names.ts';

/** What a request to the drain server asks for. */
export type HookRequest =
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'refused'; readonly reason: 'not-a-hook' | 'no-pod-named' };

/** Where calls with a token are made to. */
export const TOKEN_HOST = '127.0.0.1';
const HOST = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d+)$/;

/** Reads the request line and the Host header, which is all that a kubelet's call has to say. */
export function parseHookRequest(request: {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly host: string | undefined;
  readonly hookPort: number;
}): HookRequest {
  const path = request.url?.split('?')[0] ?? '';
  const token = path.startsWith(`${HOOK_PATH}/`) ? path.slice(HOOK_PATH.length + 1) : undefined;
  if (request.method !== 'GET' || (token === undefined && path !== HOOK_PATH)) return refused('not-a-hook');
  const [, ipv4, ipv6, port] = HOST.exec(request.host ?? '') ?? [];
  const address = ipv4 ?? ipv6?.toLowerCase() ?? '';
  if (isIP(address) === 0 || Number(port) !== request.hookPort) return refused('no-pod-named');
  if (token === undefined) return { type: 'address', address };
  return address === TOKEN_HOST ? { type: 'token', token } : refused('no-pod-named');
}

function refused(reason: 'not-a-hook' | 'no-pod-named'): HookRequest {
  return { type: 'refused', reason };
}
