import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { explainListenError, type ImageEnvironment, imageEnvironment } from './image-environment.ts';
import { RequestCounters } from './request-counters.ts';

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
const NOT_FOUND = '<html><body><h1>404 Not Found</h1></body></html>\n';

/**
 * Stands for the image nginx: one page on port 80. SIGTERM is nginx's fast stop (live connections are dropped), SIGQUIT
 * its graceful one. `/counters` tells what was served.
 */
function serveNginx(environment: ImageEnvironment): void {
  const counters = new RequestCounters(environment);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    counters.observe(request, response);
    response.setHeader('server', 'nginx');
    response.setHeader('x-served-by', environment.podName);
    if (request.url === '/counters') tell(response, counters.values());
    else answer(request, response);
  });
  const exit = () => {
    counters.report();
    process.exit(0);
  };
  process.once('SIGTERM', exit);
  process.once('SIGINT', exit);
  process.once('SIGQUIT', () => {
    server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
    server.close(exit);
  });
  server.once('error', error => {
    process.stderr.write(`nginx ${explainListenError(error, environment)}\n`);
    process.exit(1);
  });
  server.listen(environment.port, environment.address);
}

function answer({ url = '', method, socket }: IncomingMessage, response: ServerResponse): void {
  const status = url === '/' || url.startsWith('/?') ? 200 : 404;
  process.stdout.write(`${socket.remoteAddress} "${method} ${url}" ${status}\n`);
  response.writeHead(status, { 'content-type': 'text/html' }).end(status === 200 ? PAGE : NOT_FOUND);
}

function tell(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`);
}

serveNginx(imageEnvironment(process.env, process.argv.slice(2), 80));
