import type { ReflectorEvent } from '../common/kube/reflector.ts';
import { DrainPhase, type DrainRequest } from '../proto/gen/clbdirect/v1/report.ts';
import { type Drain, type DrainLedger, drainEndsAt, expireDrains, recordDrain } from './core/drain-ledger.ts';
import { ReportStore } from './core/report-store.ts';
import type { ServiceRecord } from './kube/service-reflector.ts';
import type { ReportEvent } from './reports/report-event.ts';

/**
 * What every replica keeps warm, leader or not: the agents' reports, the drains they hold, the Services. A leader that
 * takes over acts from it at once.
 */
export class Knowledge {
  readonly store = new ReportStore();
  #drains: DrainLedger = new Map();
  #services: ReadonlyMap<string, ServiceRecord> = new Map();
  #servicesKnown = false;
  readonly #sessions = new Map<string, Set<string>>();
  /** Drains whose agent asked (again) and has to be answered even if nothing changed. */
  readonly #asked = new Set<string>();

  get drains(): DrainLedger {
    return this.#drains;
  }
  get services(): ReadonlyMap<string, ServiceRecord> {
    return this.#services;
  }
  /** False until all Services were listed once. */
  get servicesKnown(): boolean {
    return this.#servicesKnown;
  }

  /** The UIDs of Pods whose agents wait for a DrainUpdate; each is handed out once. */
  takeAsked(): readonly string[] {
    const asked = [...this.#asked];
    this.#asked.clear();
    return asked;
  }

  applyReport(event: ReportEvent, now: number): void {
    switch (event.type) {
      case 'opened':
        this.#sessions.set(event.node, (this.#sessions.get(event.node) ?? new Set()).add(event.session));
        this.store.heard(event.node, now);
        return;
      case 'snapshot':
        this.store.replace(event.node, event.pods, { consistent: event.consistent, now });
        return;
      case 'delta':
        this.store.apply(event.node, event, now);
        return;
      case 'heard':
        this.store.heard(event.node, now);
        return;
      case 'drain':
        this.#drain(event.node, event.request, now);
        return;
      case 'closed':
        this.#close(event.node, event.session);
    }
  }

  applyServices(event: ReflectorEvent<ServiceRecord>): void {
    switch (event.type) {
      case 'replaced':
        this.#services = event.items;
        this.#servicesKnown = true;
        return;
      case 'applied':
        this.#services = new Map(this.#services).set(event.key, event.item);
        return;
      case 'deleted': {
        const services = new Map(this.#services);
        services.delete(event.key);
        this.#services = services;
        return;
      }
      case 'progressed':
        return;
    }
  }

  /** Forgets what time has made meaningless. */
  expire(now: number): void {
    this.#drains = expireDrains(this.#drains, now).ledger;
    this.store.expire(now);
  }

  /** When `expire` will have something to do, for a timer. */
  nextExpiryAt(): number | undefined {
    const times = [...this.#drains.values()].map(drainEndsAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #drain(node: string, request: DrainRequest, now: number): void {
    const phase = phaseOf(request.phase);
    const stored = this.store.pods.get(request.podUid);
    // An agent may hold hooks only of its own node's Pods (law L12).
    if (!phase || (stored && stored.node !== node)) return;
    const { podUid, budgetMs } = request;
    this.#drains = recordDrain(this.#drains, { podUid, node, phase, budgetMs }, now);
    if (phase !== 'answered') this.#asked.add(podUid);
  }

  #close(node: string, session: string): void {
    const sessions = this.#sessions.get(node);
    sessions?.delete(session);
    if (sessions && sessions.size > 0) return;
    this.#sessions.delete(node);
    this.store.disconnect(node);
  }
}

function phaseOf(phase: DrainPhase): Drain['phase'] | undefined {
  switch (phase) {
    case DrainPhase.BEGIN:
      return 'begun';
    case DrainPhase.CONNECTIONS_ENDED:
      return 'connections-ended';
    case DrainPhase.ANSWERED:
      return 'answered';
    default:
      return undefined;
  }
}
