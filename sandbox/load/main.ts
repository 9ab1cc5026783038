import { writeFileSync } from 'node:fs';
import { systemClock } from '../../common/clock.ts';
import { integer, isHelpRequested, OptionError, parseOptions, text, usage } from '../../common/options.ts';
import { systemRandom } from '../../common/random.ts';
import { reportText } from './report-text.ts';
import { type LoadOptions, runLoad } from './run-load.ts';
import { socketTransport } from './socket-transport.ts';

const OPTIONS = {
  url: text({ description: 'what to load: http://host[:port]/path, or https:', placeholder: 'URL', required: true }),
  host: text({
    description: 'what requests say in Host (and in TLS), to load one domain of a listener (default: as in the URL)',
    placeholder: 'NAME',
    optional: true,
  }),
  rate: integer({ description: 'short requests per second on fresh connections', maximum: 10_000, default: 300 }),
  duration: integer({ description: 'seconds', minimum: 1, maximum: 21_600, default: 60 }),
  clients: integer({ description: 'source addresses, used in turn', minimum: 1, maximum: 254, default: 4 }),
  clientPrefix: text({
    description: 'source addresses without their last number, for example 127.200.0. (default on loopback)',
    placeholder: 'PREFIX',
    optional: true,
  }),
  keepAliveClients: integer({ description: 'clients that keep their connection', maximum: 1000, default: 10 }),
  keepAliveGapMs: integer({ description: 'longest gap between two requests of them', maximum: 60_000, default: 1000 }),
  keepAliveRequests: integer({
    description: 'requests after which they close it, about 10 s; 0 for never',
    maximum: 1_000_000,
    default: 20,
  }),
  longClients: integer({ description: 'clients that send one long request after another', maximum: 1000, default: 0 }),
  longPath: text({ description: 'path of long requests', placeholder: 'PATH', default: '/hold?seconds=15' }),
  timeoutMs: integer({ description: 'limit of a short request', minimum: 1, maximum: 600_000, default: 10_000 }),
  longTimeoutMs: integer({ description: 'limit of a long request', minimum: 1, maximum: 600_000, default: 30_000 }),
  json: text({ description: 'file for the whole report', placeholder: 'FILE', optional: true }),
};

const HELP = `npm run load -- --url http://127.100.0.1/ [options]

Loads a server and tells what became of every request. Lost means refused, reset, timed out, truncated, or a status
other than 200; nothing is repeated. Ends with exit code 0 if nothing was lost, 1 if something was, 2 for bad options.

${usage(OPTIONS)}`;

/** Short requests under way at once: what 10 s of silence make of 500 requests per second. */
const IN_FLIGHT_MAX = 5000;

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw new OptionError(`--url: '${url}' must be http://host[:port]/path, or begin with https:`);
}

function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

function parseHost(host: string | undefined): { readonly hostHeader?: string } {
  if (host === undefined) return {};
  if (!/^[\w.-]+(:\d+)?$/.test(host)) {
    throw new OptionError(`--host: '${host}' must be a name, with or without :port, for example www.example.com`);
  }
  return { hostHeader: host };
}

function addresses(host: string, prefix: string | undefined, count: number): string[] {
  const used = prefix ?? (host.startsWith('127.') ? '127.200.0.' : undefined);
  if (used === undefined) return [];
  if (!/^(\d{1,3}\.){3}$/.test(used)) {
    throw new OptionError(`--client-prefix: '${used}' must be three numbers with dots, for example 127.200.0.`);
  }
  return Array.from({ length: count }, (_, index) => `${used}${index + 1}`);
}

function loadOptions(argv: readonly string[]): LoadOptions & { readonly json: string | undefined } {
  const values = parseOptions(OPTIONS, argv, process.env);
  const url = parseUrl(values.url);
  const isSecure = url.protocol === 'https:';
  return {
    transport: socketTransport({ host: url.hostname, port: portOf(url), isSecure, ...parseHost(values.host) }),
    clock: systemClock(),
    random: systemRandom(),
    path: `${url.pathname}${url.search}`,
    rate: values.rate,
    durationMs: values.duration * 1000,
    clientAddresses: addresses(url.hostname, values.clientPrefix, values.clients),
    keepAliveClients: values.keepAliveClients,
    keepAliveGapMaxMs: values.keepAliveGapMs,
    keepAliveRequests: values.keepAliveRequests,
    longClients: values.longClients,
    longPath: values.longPath,
    timeoutMs: values.timeoutMs,
    longTimeoutMs: values.longTimeoutMs,
    inFlightMax: IN_FLIGHT_MAX,
    json: values.json,
    onProgress: ({ elapsedMs, sent, lost }) =>
      console.error(`${(elapsedMs / 1000).toFixed(0).padStart(4)} s  sent ${sent}  lost ${lost}`),
  };
}

async function main(argv: readonly string[]): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(HELP);
    return 0;
  }
  const options = loadOptions(argv);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const report = await runLoad(options, stop.signal);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(reportText(report));
  return report.lostTotal === 0 && report.notSent === 0 && report.ok > 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.error(`load: ${error.message}`);
  process.exitCode = 2;
}
