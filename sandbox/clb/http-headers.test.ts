import { describe, expect, it } from 'vitest';
import { type ForwardedRequest, requestHeaders, responseHeaders, sessionOf } from './http-headers.ts';

const REQUEST: ForwardedRequest = {
  method: 'GET',
  headers: ['Host', 'www.example.com', 'Accept', '*/*'],
  clientAddress: '10.9.9.9',
  scheme: 'https',
  upgrade: undefined,
};

describe('a target gets', () => {
  it("the client's headers, the client's address and the scheme", () => {
    expect(requestHeaders(REQUEST)).toEqual([
      ...['Host', 'www.example.com', 'Accept', '*/*'],
      ...['X-Forwarded-For', '10.9.9.9', 'X-Real-IP', '10.9.9.9', 'X-Forwarded-Proto', 'https'],
      ...['Connection', 'close'],
    ]);
  });

  it('the proxies before this one, but no address that a client made up', () => {
    const headers = ['X-Forwarded-For', '1.1.1.1', 'x-real-ip', '2.2.2.2', 'x-forwarded-for', '3.3.3.3'];
    expect(requestHeaders({ ...REQUEST, headers })).toEqual([
      ...['X-Forwarded-For', '1.1.1.1, 3.3.3.3, 10.9.9.9', 'X-Real-IP', '10.9.9.9', 'X-Forwarded-Proto', 'https'],
      ...['Connection', 'close'],
    ]);
  });

  it('nothing that was meant for this hop alone', () => {
    const headers = ['Connection', 'X-Hop, keep-alive', 'X-Hop', '1', 'Keep-Alive', 'timeout=5', 'TE', 'trailers'];
    expect(requestHeaders({ ...REQUEST, headers })).not.toEqual(expect.arrayContaining(['X-Hop']));
    expect(requestHeaders({ ...REQUEST, headers }).slice(-2)).toEqual(['Connection', 'close']);
  });

  it.each([
    ['of known length as it is', 'POST', ['Content-Length', '3'], ['Content-Length', '3']],
    ['in chunks in chunks', 'POST', ['Transfer-Encoding', 'gzip, chunked'], ['Transfer-Encoding', 'chunked']],
    ['that is missing as an empty one', 'POST', [], ['Content-Length', '0']],
    ['of a method without one not at all', 'GET', [], []],
  ])('a body %s', (_, method, headers, expected) => {
    const framing = ['Content-Length', 'Transfer-Encoding'];
    const sent = requestHeaders({ ...REQUEST, method, headers });
    expect(sent.filter((name, at) => framing.includes(name) || framing.includes(sent[at - 1] ?? ''))).toEqual(expected);
  });

  it('the wish for another protocol', () => {
    const headers = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', 'x'];
    const sent = requestHeaders({ ...REQUEST, headers, upgrade: 'websocket' });
    expect(sent.slice(0, 2)).toEqual(['Sec-WebSocket-Key', 'x']);
    expect(sent.slice(-4)).toEqual(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
  });
});

describe('a client gets', () => {
  it("the target's headers without those of the hop", () => {
    expect(responseHeaders(['Connection', 'close', 'Transfer-Encoding', 'chunked', 'ETag', '"1"'])).toEqual([
      'ETag',
      '"1"',
    ]);
  });

  it('a cookie that leads it back, and which is found again among others', () => {
    const [name, cookie] = responseHeaders([], { value: '10.0.0.1:8080', maxAgeSeconds: 60 });
    expect([name, cookie]).toEqual(['Set-Cookie', 'tgw_l7_route=10.0.0.1:8080; Path=/; Max-Age=60']);
    expect(sessionOf(`a=b; ${cookie?.split(';')[0]}; c=d`)).toBe('10.0.0.1:8080');
    expect(sessionOf('a=b')).toBeUndefined();
  });
});
