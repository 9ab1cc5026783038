import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import { collectionPath, type Resource } from '../kube/resource-path.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const NAMESPACE = 'default';

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

export interface Get {
  readonly resource: Resource;
  readonly labelSelector: string;
  /** As with `-o wide`. */
  readonly isWide: boolean;
}

/** What `kubectl get` prints: the server's own Table with kubectl's spacing. */
export async function kubectlTable(transport: KubeTransport, get: Get, signal: AbortSignal): Promise<string> {
  const path = collectionPath(get.resource, NAMESPACE);
  const request = { method: 'GET', path, accept: TABLE, query: { labelSelector: get.labelSelector } } as const;
  const response = await transport.request(request, signal);
  if (response.status !== 200) throw new KubeResponseError(request, response);
  const { columnDefinitions, rows } = response.body as Table;
  const shown = columnDefinitions.flatMap(({ priority }, index) => (priority === 0 || get.isWide ? [index] : []));
  const lines = [columnDefinitions.map(({ name }) => name.toUpperCase()), ...rows.map(row => row.cells.map(String))];
  return aligned(lines.map(line => shown.map(index => line[index] ?? '')));
}

/** Columns under one another, three spaces apart. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  const lines = rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   '));
  return lines.map(line => line.trimEnd()).join('\n');
}
