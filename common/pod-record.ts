/**
 * What an agent says about one Pod: the slim projection that travels, is stored and is planned with. It is the wire
 * type itself, so that there is one definition.
 */
export type { Deletion, Eni, Pod as PodRecord } from '../proto/gen/clbdirect/v1/report.ts';
export { ContainerState, GateState, HookKind, PodPhase, Protocol } from '../proto/gen/clbdirect/v1/report.ts';
