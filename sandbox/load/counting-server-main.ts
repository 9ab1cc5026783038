import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** For the tests of the load generator: answers, counts, and tells its parent the port and, when asked, the count. */
let answered = 0;
const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ pod: 'only' }));
  answered += 1;
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => process.send?.(answered));
process.on('disconnect', () => process.exit());
