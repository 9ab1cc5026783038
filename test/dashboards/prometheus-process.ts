import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';

export interface ScrapeJob {
  readonly name: string;
  /** host:port of each. */
  readonly targets: readonly string[];
}

export interface PrometheusOptions {
  readonly clock: Clock;
  readonly jobs: readonly ScrapeJob[];
  /** Of every sample, as a Prometheus operator would add it. */
  readonly namespace: string;
  readonly rulesFile: string;
  /** host:port where it listens. */
  readonly address: string;
}

/** One line of a graph; times are seconds since the Unix epoch. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [at: number, value: number])[];
}

export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

const SCRAPE_INTERVAL = '1s';
const STEP_SECONDS = 1;
const START_LIMIT_MS = 20_000;
const START_LOOK_MS = 100;
const QUERY_LIMIT_MS = 10_000;

/** Undefined when the machine has a Prometheus, else what to do. */
export function missingPrometheus(): string | undefined {
  const found = spawnSync('prometheus', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? undefined : 'there is no Prometheus: apt-get install prometheus';
}

/** A real Prometheus of its own, with its data in a folder that goes with it. */
export class Prometheus implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #folder: string;

  private constructor({ clock, address }: PrometheusOptions, child: ChildProcess, folder: string) {
    this.#clock = clock;
    this.#process = child;
    this.#url = `http://${address}/api/v1`;
    this.#folder = folder;
  }

  /** @throws Error when it does not come up. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'clb-direct-prometheus-'));
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, stringify(configuration(options)));
    const log = openSync(join(folder, 'log'), 'w');
    const child = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${options.address}`,
      ],
      { stdio: ['ignore', log, log] },
    );
    const prometheus = new Prometheus(options, child, folder);
    try {
      await prometheus.#ready();
      return prometheus;
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws Error when the query does not parse or fails. */
  async range(query: string, { startMs, endMs }: TimeRange): Promise<readonly Series[]> {
    const times = { start: `${startMs / 1_000}`, end: `${endMs / 1_000}`, step: `${STEP_SECONDS}` };
    const { result } = await this.#get<{ result: readonly RawSeries[] }>('query_range', { query, ...times });
    return result.map(({ metric, values = [] }) => ({ labels: metric, values: values.map(sample) }));
  }

  /** @throws Error when the query does not parse or fails. */
  async instant(query: string, atMs: number): Promise<readonly Series[]> {
    const { result } = await this.#get<{ result: readonly RawSeries[] }>('query', { query, time: `${atMs / 1_000}` });
    return result.map(({ metric, value }) => ({ labels: metric, values: value ? [sample(value)] : [] }));
  }

  /** The alerts it evaluates, with what went wrong with each. */
  async rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]> {
    type Rule = { name: string; health: string; lastError?: string };
    const { groups } = await this.#get<{ groups: readonly { rules: readonly Rule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const limitAt = this.#clock.now() + START_LIMIT_MS;
    while (this.#clock.now() < limitAt && this.#process.exitCode === null) {
      const isUp = await this.#get('status/runtimeinfo', {}).then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await sleep(this.#clock, START_LOOK_MS, new AbortController().signal);
    }
    throw new Error(`Prometheus did not come up; see ${join(this.#folder, 'log')}`);
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const address = `${this.#url}/${path}?${new URLSearchParams(parameters)}`;
    using limit = deadline(this.#clock, `GET ${path}`, QUERY_LIMIT_MS);
    const response = await fetch(address, { signal: limit.signal });
    const body = (await response.json()) as { status: string; data: T; error?: string };
    if (body.status !== 'success') throw new Error(`${parameters.query ?? path}: ${body.error}`);
    return body.data;
  }
}

interface RawSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly RawSample[];
  readonly value?: RawSample;
}

type RawSample = readonly [at: number, value: string];

function sample([at, value]: RawSample): readonly [number, number] {
  return [at, Number(value)];
}

function configuration({ jobs, namespace, rulesFile }: PrometheusOptions): object {
  return {
    global: { scrape_interval: SCRAPE_INTERVAL, evaluation_interval: SCRAPE_INTERVAL },
    rule_files: [rulesFile],
    scrape_configs: jobs.map(({ name, targets }) => ({
      job_name: name,
      static_configs: [{ targets, labels: { namespace } }],
    })),
  };
}
