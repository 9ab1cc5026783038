import { parseArgs } from 'node:util';
import { type ClbSettings, defaultSettings, vipsOfPrefix } from './settings.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Paths of files in PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Options {
  readonly listen: ListenAddress;
  readonly controlListen: ListenAddress;
  readonly region: string;
  readonly secretId: string;
  readonly secretKey: string;
  readonly settings: ClbSettings;
  readonly portMapping: ReadonlyMap<number, number>;
  /** Empty: no file. */
  readonly journalFile: string;
  /** What listeners with TLS show; undefined: one is made for each certificate id. */
  readonly certificateFiles: CertificateFiles | undefined;
}

/** The text is one line for the person at the terminal. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

interface Flag {
  readonly value: string;
  readonly preset: string;
  readonly help: string;
}

const model = defaultSettings([]);

const FLAGS = {
  listen: { value: 'HOST:PORT', preset: '127.0.0.1:0', help: 'where the API listens' },
  'control-listen': { value: 'HOST:PORT', preset: '127.0.0.1:0', help: 'where /_control/ listens' },
  'vip-prefix': { value: 'A.B.C', preset: '127.100.0', help: 'load balancers get A.B.C.1 to A.B.C.254' },
  vips: { value: 'ADDRESS,…', preset: '', help: 'load balancers get these addresses instead' },
  'map-port': { value: 'PORT=PORT,…', preset: '', help: 'listener port to the port really listened on' },
  region: { value: 'NAME', preset: 'ap-guangzhou', help: 'the only region' },
  'vpc-id': { value: 'ID', preset: '', help: 'the only VPC; any is taken without it' },
  'secret-id': { value: 'ID', preset: 'sandbox-secret-id', help: 'the only credentials' },
  'secret-key': { value: 'KEY', preset: 'sandbox-secret-key', help: 'their key' },
  'journal-file': { value: 'PATH', preset: '', help: 'append every record of the journal as a line of JSON' },
  'certificate-file': { value: 'PATH', preset: '', help: 'what TLS shows; without it one is made for each id' },
  'private-key-file': { value: 'PATH', preset: '', help: 'its key' },
  forwarders: { value: 'N', preset: `${model.forwarding.forwarders}`, help: 'machines of the data plane' },
  'forwarder-delay-min-ms': {
    value: 'MS',
    preset: `${model.forwarding.delayMinMs}`,
    help: 'they follow the API after',
  },
  'forwarder-delay-max-ms': { value: 'MS', preset: `${model.forwarding.delayMaxMs}`, help: 'and not later than' },
  'read-ms': { value: 'MS', preset: `${model.latency.readMs}`, help: 'a read' },
  'accept-ms': { value: 'MS', preset: `${model.latency.acceptMs}`, help: 'the answer of an asynchronous write' },
  'batch-base-ms': { value: 'MS', preset: `${model.latency.batchBaseMs}`, help: 'a batch of targets, at least' },
  'batch-per-target-ms': { value: 'MS', preset: `${model.latency.batchPerTargetMs}`, help: 'and for each target' },
  'create-load-balancer-ms': {
    value: 'MS',
    preset: `${model.latency.createLoadBalancerMs}`,
    help: 'a new load balancer',
  },
  'busy-tail-max-ms': {
    value: 'MS',
    preset: `${model.latency.busyTailMaxMs}`,
    help: 'busy after a write of 500 targets',
  },
  'targets-per-listener': { value: 'N', preset: `${model.quota.targetsPerListener}`, help: 'quota' },
} satisfies Record<string, Flag>;

type Name = keyof typeof FLAGS;

export function helpText(): string {
  const rows = Object.entries(FLAGS).map(([name, { value, preset, help }]) => {
    const shown = preset === '' ? help : `${help} (default ${preset})`;
    return `  ${`--${name} ${value}`.padEnd(34)}${shown}`;
  });
  return ['sandbox/clb: a stand-in for the CLB API with a data plane on loopback', '', ...rows, ''].join('\n');
}

/** @throws OptionsError */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const values = parsedFlags(args);
  if (values.help !== undefined) return 'help';
  const flags = { get: (name: Name) => values[name] ?? FLAGS[name].preset };
  return {
    listen: listenAddress('listen', flags.get('listen')),
    controlListen: listenAddress('control-listen', flags.get('control-listen')),
    region: flags.get('region'),
    secretId: flags.get('secret-id'),
    secretKey: flags.get('secret-key'),
    journalFile: flags.get('journal-file'),
    certificateFiles: certificateFiles(flags.get('certificate-file'), flags.get('private-key-file')),
    portMapping: portMapping(flags.get('map-port')),
    settings: settingsOf(flags),
  };
}

function parsedFlags(args: readonly string[]): Partial<Record<Name | 'help', string>> {
  const options = Object.fromEntries(Object.keys(FLAGS).map(name => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } } });
    return { ...values, help: values.help ? 'yes' : undefined } as Partial<Record<Name | 'help', string>>;
  } catch (error) {
    throw new OptionsError(`${error instanceof Error ? error.message.split('\n')[0] : error} See --help.`);
  }
}

function settingsOf(flags: { get(name: Name): string }): ClbSettings {
  const defaults = defaultSettings(vipsOf(flags.get('vips'), flags.get('vip-prefix')));
  const quantity = (name: Name) => numberOf(name, flags.get(name));
  const vpcId = flags.get('vpc-id');
  const forwarding = {
    forwarders: integerOf('forwarders', flags.get('forwarders'), 1),
    delayMinMs: integerOf('forwarder-delay-min-ms', flags.get('forwarder-delay-min-ms'), 0),
    delayMaxMs: integerOf('forwarder-delay-max-ms', flags.get('forwarder-delay-max-ms'), 0),
  };
  if (forwarding.delayMinMs > forwarding.delayMaxMs) {
    throw new OptionsError('--forwarder-delay-min-ms must not exceed --forwarder-delay-max-ms.');
  }
  return {
    ...defaults,
    ...(vpcId === '' ? {} : { vpcId }),
    forwarding,
    quota: { ...defaults.quota, targetsPerListener: quantity('targets-per-listener') },
    latency: {
      ...defaults.latency,
      readMs: quantity('read-ms'),
      acceptMs: quantity('accept-ms'),
      batchBaseMs: quantity('batch-base-ms'),
      batchPerTargetMs: quantity('batch-per-target-ms'),
      createLoadBalancerMs: quantity('create-load-balancer-ms'),
      busyTailMaxMs: quantity('busy-tail-max-ms'),
    },
  };
}

function vipsOf(addresses: string, prefix: string): readonly string[] {
  const vips = addresses === '' ? vipsOfPrefix(prefix) : addresses.split(',');
  const wrong = vips.find(vip => !/^\d{1,3}(\.\d{1,3}){3}$/.test(vip));
  if (wrong === undefined) return vips;
  throw new OptionsError(`--vips and --vip-prefix must give IPv4 addresses, got ${wrong}.`);
}

function certificateFiles(certificate: string, privateKey: string): CertificateFiles | undefined {
  if (certificate === '' && privateKey === '') return undefined;
  if (certificate !== '' && privateKey !== '') return { certificate, privateKey };
  throw new OptionsError('--certificate-file and --private-key-file go together.');
}

function portMapping(text: string): ReadonlyMap<number, number> {
  const pairs = text === '' ? [] : text.split(',');
  return new Map(
    pairs.map(pair => {
      const [from, to, ...rest] = pair.split('=');
      if (rest.length > 0 || !isPort(from) || !isPort(to))
        throw new OptionsError(`--map-port wants 80=8080, got ${pair}.`);
      return [Number(from), Number(to)];
    }),
  );
}

function isPort(text: string | undefined): boolean {
  return /^\d{1,5}$/.test(text ?? '') && Number(text) >= 1 && Number(text) <= 65_535;
}

function listenAddress(name: Name, text: string): ListenAddress {
  const separator = text.lastIndexOf(':');
  const [host, port] = [text.slice(0, separator), text.slice(separator + 1)];
  if (separator > 0 && (port === '0' || isPort(port))) return { host, port: Number(port) };
  throw new OptionsError(`--${name} wants HOST:PORT, got ${text}.`);
}

function numberOf(name: Name, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new OptionsError(`--${name} wants a number of 0 or more, got ${text}.`);
}

function integerOf(name: Name, text: string, low: number): number {
  const value = numberOf(name, text);
  if (Number.isInteger(value) && value >= low) return value;
  throw new OptionsError(`--${name} wants a whole number of ${low} or more, got ${text}.`);
}
