import { type EventStream, RuntimeCallError } from './runtime-client.ts';

/** What `--runtime` takes. */
export const RUNTIME_CHOICES = ['auto', 'containerd', 'cri-o', 'none'] as const;

/** `auto`: by the name that the socket answers with. */
export type RuntimeChoice = Exclude<(typeof RUNTIME_CHOICES)[number], 'none'>;

/** @throws RuntimeCallError for a runtime whose events are not known. */
export function eventStreamOf(choice: RuntimeChoice, runtimeName: string): EventStream {
  if (choice !== 'auto') return choice;
  if (runtimeName === 'containerd' || runtimeName === 'cri-o') return runtimeName;
  throw new RuntimeCallError('unsupported', `the container runtime is ${runtimeName}, whose events are not known`);
}

/** What a human can do about a runtime that tells nothing. */
export function remedyFor(error: unknown): string {
  if (!(error instanceof RuntimeCallError)) return "look at the runtime's own log";
  switch (error.kind) {
    case 'unreachable':
      return 'mount the folder of its socket into the agent, and name the socket with --runtime-socket';
    case 'unsupported':
      return 'CRI-O needs enable_pod_events = true, containerd its cri plugin; --runtime none says that there is no runtime to ask';
    case 'failed':
      return "look at the runtime's own log";
  }
}
