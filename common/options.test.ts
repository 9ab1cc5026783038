import { describe, expect, expectTypeOf, it } from 'vitest';
import { address, choice, choices, flag, integer, OptionError, parseOptions, text, usage } from './options.ts';

const table = {
  region: text({ description: 'region of the load balancers', required: true }),
  kubeconfig: text({ description: 'kubeconfig file', placeholder: 'FILE', optional: true }),
  leaseDurationMs: integer({ description: 'how long a lease lasts', default: 10_000, minimum: 1_000 }),
  logLevel: choice({ description: 'lowest level that is logged', values: ['debug', 'info'], default: 'info' }),
  httpListen: address({ description: 'where metrics are served', default: '0.0.0.0:9442' }),
  leaderElection: flag({ description: 'take part in the election', default: true }),
  seasons: choices({ description: 'when to work', values: ['spring', 'summer', 'autumn'], default: ['summer'] }),
};

describe('values', () => {
  it('come from the flag, else from the environment, else from the default', () => {
    const environment = { CLB_DIRECT_REGION: 'ap-beijing', CLB_DIRECT_LEASE_DURATION_MS: '5000' };
    const values = parseOptions(table, ['--region', 'ap-guangzhou', '--no-leader-election'], environment);
    expect(values).toEqual({
      region: 'ap-guangzhou',
      kubeconfig: undefined,
      leaseDurationMs: 5_000,
      logLevel: 'info',
      httpListen: '0.0.0.0:9442',
      seasons: ['summer'],
      leaderElection: false,
    });
  });

  it('of a list are in the order of the table, and none is a list, too', () => {
    const seasons = (list: string) => parseOptions(table, ['--region=r', '--seasons', list], {}).seasons;
    expect(seasons('autumn,spring')).toEqual(['spring', 'autumn']);
    expect(seasons('none')).toEqual([]);
  });

  it('have the types of their options', () => {
    const values = parseOptions(table, ['--region=r'], {});
    expectTypeOf(values.region).toEqualTypeOf<string>();
    expectTypeOf(values.kubeconfig).toEqualTypeOf<string | undefined>();
    expectTypeOf(values.leaseDurationMs).toEqualTypeOf<number>();
    expectTypeOf(values.logLevel).toEqualTypeOf<'debug' | 'info'>();
  });
});

describe('an OptionError of one line tells of', () => {
  it.each([
    ['an unknown flag', ['--regin', 'x'], "Unknown option '--regin'; --help lists the options"],
    ['a value that is missing', ['--region'], /Option '--region <value>' argument missing/],
    ['a word that belongs to no flag', ['--region', 'r', 'word'], /Unexpected argument 'word'/],
    ['a repeated flag', ['--region', 'a', '--region', 'b'], '--region is given twice'],
    ['a flag without its required value', [], '--region (or CLB_DIRECT_REGION) is required'],
    ['an empty text', ['--region='], "--region: '' must not be empty"],
    [
      'a number that is none',
      ['--region=r', '--lease-duration-ms', '10s'],
      /'10s' must be a whole number of at least 1000/,
    ],
    ['a number out of range', ['--region=r', '--lease-duration-ms', '999'], /'999' must be a whole number/],
    ['a choice that is none', ['--region=r', '--log-level', 'loud'], "--log-level: 'loud' must be one of debug, info"],
    [
      'a list with a stranger',
      ['--region=r', '--seasons', 'spring,may'],
      /'spring,may' must be none, or some of spring/,
    ],
    ['a list that repeats itself', ['--region=r', '--seasons', 'spring,spring'], /must be none, or some of/],
    ['a list that is empty', ['--region=r', '--seasons='], /must be none, or some of/],
    ['an address without port', ['--region=r', '--http-listen', 'localhost'], /'localhost' must be host:port/],
    ['a port out of range', ['--region=r', '--http-listen', 'a:65536'], /must be host:port/],
  ])('%s', (_what, argv, message) => {
    const parse = () => parseOptions(table, argv, {});
    expect(parse).toThrow(OptionError);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/\n/);
  });

  it('a bad value in the environment, naming the variable', () => {
    expect(() => parseOptions(table, ['--region=r'], { CLB_DIRECT_LEADER_ELECTION: 'yes' })).toThrow(
      "CLB_DIRECT_LEADER_ELECTION: 'yes' must be true or false",
    );
  });

  it('a mistyped variable', () => {
    expect(() => parseOptions(table, ['--region=r'], { CLB_DIRECT_LOGLEVEL: 'debug' })).toThrow(
      /CLB_DIRECT_LOGLEVEL is no option/,
    );
  });
});

it('takes IPv6 addresses in brackets', () => {
  expect(parseOptions(table, ['--region=r', '--http-listen', '[::1]:0'], {}).httpListen).toBe('[::1]:0');
});

it('ignores the variables that Kubernetes adds for a Service named clb-direct', () => {
  const links = {
    CLB_DIRECT_SERVICE_HOST: '10.0.0.1',
    CLB_DIRECT_SERVICE_PORT: '9443',
    CLB_DIRECT_SERVICE_PORT_GRPC: '9443',
    CLB_DIRECT_PORT: 'tcp://10.0.0.1:9443',
    CLB_DIRECT_PORT_9443_TCP: 'tcp://10.0.0.1:9443',
    CLB_DIRECT_PORT_9443_TCP_ADDR: '10.0.0.1',
  };
  expect(parseOptions(table, ['--region=r'], links).region).toBe('r');
});

it('explains every option in aligned columns', () => {
  const lines = usage(table).split('\n');
  expect(lines[0]).toBe('  --region TEXT               region of the load balancers (required)');
  expect(lines[2]).toBe('  --lease-duration-ms NUMBER  how long a lease lasts (default 10000)');
  expect(lines[5]).toBe('  --leader-election           take part in the election (default true)');
});
