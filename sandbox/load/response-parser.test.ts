import { describe, expect, test } from 'vitest';
import { MalformedResponseError, ResponseParser } from './response-parser.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** Feeds the text in pieces of `size` bytes. */
function parse(text: string, size = text.length) {
  const parser = new ResponseParser();
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) {
    const response = parser.feed(bytes.subarray(start, start + size));
    if (response) return response;
  }
  return parser.end();
}

describe.each([1, 3, 10_000])('in pieces of %i bytes', size => {
  test('a body of known length', () => {
    const response = parse(`${OK}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`, size);
    expect(response).toMatchObject({ status: 200, body: 'hello', keepsAlive: true });
    expect(response?.headers['content-type']).toBe('text/plain');
  });

  test('a chunked body', () => {
    const text = `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n`;
    expect(parse(text, size)).toMatchObject({ body: 'hello world', keepsAlive: true });
  });

  test('a body that ends with the connection', () => {
    expect(parse('HTTP/1.0 200 OK\r\n\r\nhello', size)).toMatchObject({ body: 'hello', keepsAlive: false });
  });

  test('an interim response before the real one', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';
    expect(parse(text, size)).toMatchObject({ status: 204, body: '', keepsAlive: false });
  });
});

test.each([
  '',
  'HTTP/1.1 200 OK\r\nContent-Le',
  `${OK}Content-Length: 6\r\n\r\nhello`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
])('%j is truncated', text => expect(parse(text)).toBeUndefined());

test.each([
  'SSH-2.0-OpenSSH\r\n\r\n',
  `${OK}Content-Length: many\r\n\r\n`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n${'z'.repeat(200)}`,
  'x'.repeat(70_000),
])('what is no HTTP is refused', text => expect(() => parse(text)).toThrow(MalformedResponseError));

test('only the beginning of a large body is kept', () => {
  const response = parse(`${OK}Content-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`, 50_000);
  expect(response?.body).toHaveLength(65_536);
});
