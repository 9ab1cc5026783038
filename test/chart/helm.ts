/** The chart as helm renders it, for tests. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { builtPrograms, isBuilt } from '../cluster/build.ts';
import { runCommand } from '../cluster/command.ts';
import { clusterSettings } from '../cluster/settings.ts';

const chartFolder = join(import.meta.dirname, '../../charts/clb-direct');

type Json = Readonly<Record<string, unknown>>;

/** As much of a Kubernetes object as the tests look at. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface RenderOptions {
  readonly kubernetes?: string;
  readonly namespace?: string;
}

export interface Helm {
  /** The objects that `helm install` with these values would make, hooks among them, and those that hooks make. @throws what helm says. */
  render(values?: Json, options?: RenderOptions): Promise<readonly Rendered[]>;
}

/** Values that are the user's to give. */
const required = {
  cloud: { region: 'ap-guangzhou', vpcId: 'vpc-test', credentials: { existingSecret: 'key' } },
};

/** Folders of test/cluster/build, by major version. */
const modules = { 3: 'helm3', 4: 'helm' } as const;

/** Builds helm if need be (a minute or two, once). A text says what is missing here. */
export async function findHelm(major: keyof typeof modules = 4): Promise<Helm | string> {
  const settings = clusterSettings({});
  const module = modules[major];
  if (!isBuilt(settings, module) && !isInPath('go')) {
    return `helm ${major} is not built and there is no Go to build it; see https://go.dev/dl/`;
  }
  const folder = await builtPrograms(settings, module, () => {});
  return { render: (values = {}, options = {}) => render(join(folder, 'helm'), values, options) };
}

async function render(
  helm: string,
  values: Json,
  { kubernetes = '1.34.0', namespace = 'clb-direct' }: RenderOptions,
): Promise<readonly Rendered[]> {
  const command = [
    helm,
    'template',
    'clb-direct',
    chartFolder,
    `--namespace=${namespace}`,
    '--values=-',
    `--kube-version=${kubernetes}`,
  ];
  const input = JSON.stringify(merged(required, values));
  const { stdout } = await runCommand(command, { input, timeoutMs: 120_000 });
  const objects = parseAllDocuments(stdout).map(document => document.toJS() as Rendered | null);
  return objects.filter(object => object !== null).flatMap(object => [object, ...manifestsIn(object)]);
}

/** What a process of ours makes of a manifest that it is given. */
function manifestsIn({ kind, data = {} }: Rendered): readonly Rendered[] {
  if (kind !== 'ConfigMap') return [];
  const texts = Object.values(data as Readonly<Record<string, string>>).filter(text => text.startsWith('{'));
  return texts.map(text => JSON.parse(text) as Rendered).filter(object => object.kind !== undefined);
}

/** As helm lays the user's values over the chart's. */
function merged(under: Json, over: Json): Json {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isGroup(below) && isGroup(value) ? merged(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(entries) };
}

function isGroup(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isInPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
