/** A call on its way to CLB's API, with who made it: coordinators dial CLB at an address of their own. */
export interface ClbCall {
  /** Wall milliseconds. */
  readonly at: number;
  readonly podIp: string;
  readonly action: string;
}

const ACTION = /^x-tc-action: *(\w+)/gim;

/** The calls that begin in a piece of what a coordinator sends; a head that is cut in two goes unseen. */
export function callsIn(podIp: string, chunk: Buffer, at: number): ClbCall[] {
  return [...chunk.toString('latin1').matchAll(ACTION)].map(([, action = '']) => ({ at, podIp, action }));
}

export function isWrite({ action }: Pick<ClbCall, 'action'>): boolean {
  return !action.startsWith('Describe');
}
