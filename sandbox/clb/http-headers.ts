/** Names and values in turn, as Node reads and writes them. */
export type RawHeaders = readonly string[];

export interface ForwardedRequest {
  readonly method: string;
  readonly headers: RawHeaders;
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  /** The connection shall become one of another protocol, for example `websocket`. */
  readonly upgrade: string | undefined;
}

export interface SessionCookie {
  readonly value: string;
  readonly maxAgeSeconds: number;
}

/** The cookie by which a client comes back to its target. */
const SESSION_COOKIE = 'tgw_l7_route';

/** They belong to one connection, not to the request that comes over it. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const REPLACED: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-real-ip', 'x-forwarded-proto']);
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** What a target gets: the client's own headers, and who the client is. The connection ends with the answer. */
export function requestHeaders({ method, headers, clientAddress, scheme, upgrade }: ForwardedRequest): string[] {
  const given = pairs(headers);
  const kept = endToEnd(given).filter(([name]) => !REPLACED.has(name.toLowerCase()));
  const forwardedFor = [...valuesOf(given, 'x-forwarded-for'), clientAddress].join(', ');
  return [
    ...kept.flat(),
    ...['X-Forwarded-For', forwardedFor, 'X-Real-IP', clientAddress, 'X-Forwarded-Proto', scheme],
    ...framing(given, method),
    ...(upgrade === undefined ? ['Connection', 'close'] : ['Connection', 'Upgrade', 'Upgrade', upgrade]),
  ];
}

/** What the client gets of the target's answer. */
export function responseHeaders(headers: RawHeaders, session?: SessionCookie): string[] {
  const kept = endToEnd(pairs(headers)).flat();
  if (!session) return kept;
  return [...kept, 'Set-Cookie', `${SESSION_COOKIE}=${session.value}; Path=/; Max-Age=${session.maxAgeSeconds}`];
}

/** The session that a `Cookie` header carries. */
export function sessionOf(cookies: string | undefined): string | undefined {
  const prefix = `${SESSION_COOKIE}=`;
  const found = cookies?.split(';').find(cookie => cookie.trim().startsWith(prefix));
  return found?.trim().slice(prefix.length);
}

function framing(given: readonly Header[], method: string): string[] {
  if (valuesOf(given, 'transfer-encoding').length > 0) return ['Transfer-Encoding', 'chunked'];
  const isEmpty = METHODS_WITH_BODY.has(method) && valuesOf(given, 'content-length').length === 0;
  return isEmpty ? ['Content-Length', '0'] : [];
}

type Header = readonly [name: string, value: string];

function pairs(headers: RawHeaders): Header[] {
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    headers[2 * index] ?? '',
    headers[2 * index + 1] ?? '',
  ]);
}

function endToEnd(headers: readonly Header[]): Header[] {
  const named = valuesOf(headers, 'connection').flatMap(value => value.split(','));
  const dropped = new Set([...OF_THE_CONNECTION, ...named.map(name => name.trim().toLowerCase())]);
  return headers.filter(([name]) => !dropped.has(name.toLowerCase()));
}

function valuesOf(headers: readonly Header[], wanted: string): string[] {
  return headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}
