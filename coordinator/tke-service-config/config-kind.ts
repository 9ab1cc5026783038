/** The version of TkeServiceConfig that is read and written. */
const CONFIG_VERSION = 'v1alpha1';

/** As much of a CustomResourceDefinition as tells what its objects can hold. */
export interface ConfigKind {
  readonly spec?: {
    /** Of definitions that are older than schemas. */
    readonly preserveUnknownFields?: boolean;
    readonly versions?: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: Schema };
    }[];
  };
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Of a list. */
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

const HEALTH_CHECK =
  'enable intervalTime timeout healthNum unHealthNum checkType checkPort sourceIpType httpCode httpCheckPath httpCheckDomain httpCheckMethod';
const SESSION = 'enable sessionExpireTime';

/** What a TkeServiceConfig is read for, by the section that it stands in. */
const SECTIONS: Readonly<Record<string, string>> = {
  l4Listeners: 'protocol port deregisterTargetRst scheduler',
  'l4Listeners.session': SESSION,
  'l4Listeners.healthCheck': HEALTH_CHECK,
  l7Listeners: 'protocol port keepaliveEnable snatEnable defaultServer',
  'l7Listeners.domains': 'domain http2',
  'l7Listeners.domains.rules': 'url forwardType scheduler',
  'l7Listeners.domains.rules.session': SESSION,
  'l7Listeners.domains.rules.healthCheck': HEALTH_CHECK,
};

/** All fields that are read, as `spec.loadBalancer.l4Listeners.port`. */
export const CONFIG_FIELDS: readonly string[] = Object.entries(SECTIONS).flatMap(([section, fields]) =>
  fields.split(' ').map(field => `spec.loadBalancer.${section}.${field}`),
);

/** What the kind lacks for its objects to be read, and to hold what is read; undefined when it lacks nothing. */
export function shortfallOf({ spec }: ConfigKind): string | undefined {
  const versions = spec?.versions ?? [];
  const served = versions.filter(({ served }) => served).map(({ name }) => name);
  if (!served.includes(CONFIG_VERSION)) {
    return `does not serve version ${CONFIG_VERSION} (it serves ${served.join(', ') || 'none'})`;
  }
  const schema = versions.find(({ name }) => name === CONFIG_VERSION)?.schema?.openAPIV3Schema;
  if (!schema || spec?.preserveUnknownFields) return undefined;
  const dropped = CONFIG_FIELDS.filter(field => !holds(schema, field.split('.')));
  return dropped.length === 0 ? undefined : `does not keep ${listed(dropped)}`;
}

function holds(schema: Schema, [field, ...below]: readonly string[]): boolean {
  if (schema['x-kubernetes-preserve-unknown-fields'] || field === undefined) return true;
  const { properties } = schema.items ?? schema;
  const next = properties?.[field];
  return schema.items?.['x-kubernetes-preserve-unknown-fields'] === true || (next ? holds(next, below) : false);
}

const LISTED_MAX = 5;

function listed(fields: readonly string[]): string {
  const more = fields.length > LISTED_MAX ? ` and ${fields.length - LISTED_MAX} more fields` : '';
  return `${fields.slice(0, LISTED_MAX).join(', ')}${more}`;
}
