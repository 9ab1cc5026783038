import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { explainListenError, imageEnvironment } from './image-environment.ts';
import { RequestCounters } from './request-counters.ts';

/**
 * Stands for the image nginx: one page on port 80. SIGTERM is nginx's fast stop (live connections are dropped), SIGQUIT
 * its graceful one. `/counters` tells what was served.
 */
const KEEP_ALIVE_MS = 75_000;
const PAGE = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This is the sandbox's stand-in for nginx.</p>
</body>
</html>
`;

const environment = imageEnvironment(process.env, process.argv.slice(2), 80);
const counters = new RequestCounters(environment);
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, answer);

function answer(request: IncomingMessage, response: ServerResponse): void {
  counters.observe(request, response);
  response.setHeader('server', 'nginx');
  response.setHeader('x-served-by', environment.podName);
  if (request.url === '/counters') {
    response.setHeader('content-type', 'application/json').end(`${JSON.stringify(counters.values())}\n`);
    return;
  }
  const status = request.url === '/' || request.url?.startsWith('/?') ? 200 : 404;
  process.stdout.write(`${request.socket.remoteAddress} "${request.method} ${request.url}" ${status}\n`);
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(status === 200 ? PAGE : '<html><body><h1>404 Not Found</h1></body></html>\n');
}

function exit(): never {
  counters.report();
  process.exit(0);
}

function quit(): void {
  server.on('request', (_request, response) => response.setHeader('connection', 'close'));
  server.close(exit);
  server.closeIdleConnections();
}

process.once('SIGTERM', exit);
process.once('SIGINT', exit);
process.once('SIGQUIT', quit);
server.once('error', error => {
  process.stderr.write(`nginx ${explainListenError(error, environment)}\n`);
  process.exit(1);
});
server.listen(environment.port, environment.address);
