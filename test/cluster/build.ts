import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ClusterSettings } from './settings.ts';

const sourceFolder = join(import.meta.dirname, 'build');
const packagesPerReport = 200;

interface Module {
  /** Folder under build/ with go.mod and go.sum. */
  readonly name: string;
  readonly packages: readonly string[];
  /** Sets the version that the programs tell of themselves; without it they call themselves a development version. */
  readonly versionFlags?: string;
}

/** What a cluster is made of. */
const modules: readonly Module[] = [
  { name: 'pause', packages: ['.'] },
  { name: 'etcd', packages: ['.'] },
  {
    name: 'kubernetes',
    packages: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'].map(
      program => `k8s.io/kubernetes/cmd/${program}`,
    ),
    versionFlags: kubernetesVersionFlags(requiredVersion('kubernetes', 'k8s.io/kubernetes')),
  },
  {
    name: 'helm',
    packages: ['helm.sh/helm/v4/cmd/helm'],
    versionFlags: `-X helm.sh/helm/v4/internal/version.version=${requiredVersion('helm', 'helm.sh/helm/v4')}`,
  },
];

/** What tests want beside a cluster. */
const otherModules: readonly Module[] = [
  {
    name: 'helm3',
    packages: ['helm.sh/helm/v3/cmd/helm'],
    versionFlags: `-X helm.sh/helm/v3/internal/version.version=${requiredVersion('helm3', 'helm.sh/helm/v3')}`,
  },
  { name: 'kubeconform', packages: ['github.com/yannh/kubeconform/cmd/kubeconform'] },
];

function kubernetesVersionFlags(version: string): string {
  const [major = '', minor = ''] = version.slice(1).split('.');
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(variables)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
}

/** The version, with its v, that a module's go.mod pins. */
function requiredVersion(name: string, required: string): string {
  const text = readFileSync(join(sourceFolder, name, 'go.mod'), 'utf8');
  const version = new RegExp(`^require ${required} (v\\S+)$`, 'm').exec(text)?.[1];
  assert(version !== undefined, `${name}/go.mod does not require ${required}`);
  return version;
}

/** Folders with the built programs, for PATH; they exist after `buildPrograms`. */
export function programFolders(settings: ClusterSettings): string[] {
  return modules.map(module => outputFolder(settings, module));
}

/** Names of the modules that would be built now. */
export function missingModules(settings: ClusterSettings): string[] {
  return modules.filter(module => !existsSync(outputFolder(settings, module))).map(module => module.name);
}

/** Builds what the cache folder lacks; about 7 minutes on two cores the first time, nothing afterwards. */
export async function buildPrograms(settings: ClusterSettings, report: (line: string) => void): Promise<void> {
  for (const module of modules) await buildModule(settings, module, report);
}

/** Whether the module's programs are there already. */
export function isBuilt(settings: ClusterSettings, name: string): boolean {
  return existsSync(outputFolder(settings, moduleNamed(name)));
}

/** The folder of one module's programs, which are built first if they are not there. */
export async function builtPrograms(
  settings: ClusterSettings,
  name: string,
  report: (line: string) => void,
): Promise<string> {
  const module = moduleNamed(name);
  await buildModule(settings, module, report);
  return outputFolder(settings, module);
}

function moduleNamed(name: string): Module {
  const module = [...modules, ...otherModules].find(candidate => candidate.name === name);
  assert(module !== undefined, `there is no module build/${name}`);
  return module;
}

async function buildModule(settings: ClusterSettings, module: Module, report: (line: string) => void): Promise<void> {
  const output = outputFolder(settings, module);
  if (existsSync(output)) return;
  report(`building ${module.name} with go (once; all of them take about 7 minutes on two cores)`);
  const unfinished = `${output}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await compile(module, { output: unfinished, lockFile: join(settings.cacheFolder, 'build.lock') }, report);
    // The name appears only when everything is there, so an interrupted build is never taken for a complete one.
    if (!existsSync(output)) renameSync(unfinished, output);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function compile(
  module: Module,
  { output, lockFile }: { readonly output: string; readonly lockFile: string },
  report: (line: string) => void,
): Promise<void> {
  const linkerFlags = `-s -w ${module.versionFlags ?? ''}`.trim();
  const flags = ['build', '-v', '-trimpath', '-mod=readonly', '-ldflags', linkerFlags, '-o', `${output}/`];
  // One at a time: several test files may want the same program, and the second build finds all in Go's cache.
  const child = spawn('flock', [lockFile, 'go', ...flags, ...module.packages], {
    cwd: join(sourceFolder, module.name),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const unknown: string[] = [];
  const progress = countPackages(module.name, report);
  createInterface(child.stderr).on('line', line => progress(line) || unknown.push(line));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      if (code === 0) resolve();
      else reject(new Error(`go build of ${module.name} failed:\n${unknown.join('\n')}`));
    });
  });
}

/** Reports now and then how many packages `go build -v` has named. False: the line is about something else. */
function countPackages(name: string, report: (line: string) => void): (line: string) => boolean {
  const counts = { downloaded: 0, compiled: 0 };
  return line => {
    if (line.startsWith('go: downloading ')) counts.downloaded++;
    else if (/^[\w./~+-]+$/.test(line)) counts.compiled++;
    else return false;
    if ((counts.downloaded + counts.compiled) % packagesPerReport === 0) {
      report(`${name}: ${counts.downloaded} modules downloaded, ${counts.compiled} packages compiled`);
    }
    return true;
  };
}

/** Keyed by all that decides what comes out: the files of the module's folder and the flags. */
function outputFolder(settings: ClusterSettings, module: Module): string {
  const hash = createHash('sha256').update(JSON.stringify(module));
  const folder = join(sourceFolder, module.name);
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  return join(settings.cacheFolder, `${module.name}-${hash.digest('hex').slice(0, 12)}`);
}
