/**
 * What the cluster needs from outside its nodes, on the bridge: the image registry, and the log of requests that
 * nginx sends by UDP (it outlives the Pods, whose own logs go with them).
 * Arguments: folder of the image layout, file of the request log.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createReadStream, createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { controlPlaneAddress, registryPort, requestLogPort } from './addresses.ts';
import { answerRegistryRequest } from './images/registry.ts';
import { requestLine } from './request-log.ts';

const receiveBufferBytes = 4 * 1024 * 1024;

const [layoutFolder, requestLog] = process.argv.slice(2);
assert(layoutFolder !== undefined && requestLog !== undefined, 'usage: servers-main.ts LAYOUT_FOLDER REQUEST_LOG');

createServer((request, response) => {
  const { method = 'GET', url = '/' } = request;
  const answer = answerRegistryRequest(layoutFolder, method, url);
  response.writeHead(answer.status, answer.headers);
  if (answer.file !== undefined && method === 'GET') createReadStream(answer.file).pipe(response);
  else response.end(answer.body);
}).listen(registryPort, controlPlaneAddress);

const log = createWriteStream(requestLog, { flags: 'a' });
createSocket({ type: 'udp4', recvBufferSize: receiveBufferBytes }, message => {
  const line = requestLine(message.toString('utf8'));
  if (line !== undefined) log.write(line);
}).bind(requestLogPort, controlPlaneAddress);
