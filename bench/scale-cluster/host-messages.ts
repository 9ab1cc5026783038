/** What the process that measures and a host of nodes say to each other. */
export type ToHost =
  /** Coordinators are there: run agents. */
  | { readonly type: 'report'; readonly certificateAuthorityFile: string; readonly coordinators: readonly string[] }
  /** The Pod's containers have ended. */
  | { readonly type: 'crash'; readonly node: string; readonly podUid: string }
  /** Nothing happens on the node until it is woken. */
  | { readonly type: 'freeze' | 'wake'; readonly node: string };

export type FromHost =
  | { readonly type: 'started'; readonly podUid: string }
  /** Every agent runs. */
  | { readonly type: 'reporting' };

/** What a host is started with. */
export interface HostTask {
  readonly nodes: readonly number[];
  readonly kubeletKubeconfig: string;
  readonly agentKubeconfig: string;
  /** For tokens. */
  readonly folder: string;
}
