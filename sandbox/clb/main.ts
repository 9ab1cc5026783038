import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../common/clock.ts';
import { systemRandom } from '../../common/random.ts';
import type { PlaneCertificate } from './certificate-store.ts';
import { controlServer } from './control.ts';
import { DataPlane } from './data-plane.ts';
import { httpCarrier } from './http-carrier.ts';
import {
  type CertificateFiles,
  helpText,
  type ListenAddress,
  type Options,
  OptionsError,
  parseOptions,
} from './options.ts';
import { ClbServer } from './server.ts';
import { socketProbe } from './socket-probe.ts';

/** Runs the CLB sandbox until SIGTERM or SIGINT; prints one line of JSON when it is ready. */
async function run(options: Options): Promise<void> {
  const [clock, random] = [systemClock(), systemRandom()];
  const server = new ClbServer({ clock, random, settings: options.settings, probe: socketProbe(clock) });
  const closeJournal = keepJournal(server, options.journalFile);
  const { portMapping, region } = options;
  const dataPlane = new DataPlane({
    clock,
    forwarding: server.forwarding,
    portMapping,
    ...(options.certificateFiles && { certificate: readCertificate(options.certificateFiles) }),
    onError(message) {
      server.journal.append({ kind: 'data-plane-error', at: clock.wallNow(), message });
      console.error(`clb sandbox: ${message}`);
    },
  });
  const credentials = [{ secretId: options.secretId, secretKey: options.secretKey }];
  const api = httpCarrier({ server, clock, random, credentials, region });
  const control = controlServer(server);
  const endpoint = await listen(api, options.listen);
  const controlUrl = `${await listen(control, options.controlListen)}/_control`;
  console.log(JSON.stringify({ endpoint, control: controlUrl, region, portMapping: Object.fromEntries(portMapping) }));
  await stopSignal();
  for (const http of [api, control]) {
    http.close();
    http.closeAllConnections();
  }
  server.stop();
  await dataPlane.stop();
  closeJournal();
}

function readCertificate({ certificate, privateKey }: CertificateFiles): PlaneCertificate {
  return { certificatePem: readFileSync(certificate, 'utf8'), privateKeyPem: readFileSync(privateKey, 'utf8') };
}

function keepJournal(server: ClbServer, path: string): () => void {
  if (path === '') return () => undefined;
  const file = openSync(path, 'a');
  const stop = server.journal.onRecord(record => writeSync(file, `${JSON.stringify(record)}\n`));
  return () => {
    stop();
    closeSync(file);
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(`http://${host}:${(server.address() as AddressInfo).port}`));
  });
}

function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(helpText());
  else await run(options);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`clb sandbox: ${error instanceof Error ? error.message : error}`);
  process.exit(error instanceof OptionsError ? 2 : 1);
}
