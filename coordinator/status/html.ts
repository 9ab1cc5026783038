/** Markup whose text has been escaped. */
export interface Html {
  readonly markup: string;
}

/** A template whose values are escaped, except those that are `Html` already; arrays are joined. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const markup = strings.map((text, index) => text + (index < values.length ? render(values[index]) : '')).join('');
  return { markup };
}

function render(value: string | number | Html | readonly Html[] | undefined): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return escaped(String(value));
  return 'markup' in value ? value.markup : value.map(part => part.markup).join('');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
