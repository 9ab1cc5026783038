import { describe, expect, test } from 'vitest';
import { chartReadme } from './chart-readme.ts';
import { chartSchema } from './chart-schema.ts';
import { chartValues } from './chart-values.ts';

const TEXT = `# About the file, not about a value.

# Where things are.
place:
  # Its name.
  # @schema {"enum": ["here", "there"]}
  name: here
  # Counted from | to.
  floor: 2
# Keys of the user's.
# @schema {"freeForm": true}
labels: { a: b }
`;
const values = chartValues(TEXT);

describe('values.yaml', () => {
  test('is read with the comment above each value, and without that about the file', () => {
    const [place, labels] = values;
    expect(place?.description).toBe('Where things are.');
    expect(place?.children.map(({ path, description }) => `${path}: ${description}`)).toEqual([
      'place.name: Its name.',
      'place.floor: Counted from | to.',
    ]);
    expect(labels).toMatchObject({ kind: 'value', defaultValue: { a: 'b' }, description: "Keys of the user's." });
  });

  test('gives a schema that knows its keys and no others, with the types of the defaults', () => {
    expect(chartSchema(values)).toMatchObject({
      additionalProperties: false,
      properties: {
        place: {
          additionalProperties: false,
          properties: { name: { type: 'string', enum: ['here', 'there'] }, floor: { type: 'integer' } },
        },
        labels: { type: 'object' },
      },
    });
    expect(JSON.stringify(chartSchema(values))).not.toContain('freeForm');
  });

  test('gives a README with a row for each value', () => {
    const text = chartReadme({ description: 'A chart.' }, values);
    expect(text).toContain('| `place.name` | `"here"` | Its name. One of `here`, `there`. |');
    expect(text).toContain('| `place.floor` | `2` | Counted from \\| to. |');
    expect(text).toContain('| `labels` | `{"a":"b"}` |');
  });

  test.each([
    ['a value without a comment', 'a: 1\n', /values\.yaml:1 a has no comment/],
    ['a default that tells no type', '# A.\na:\n', /values\.yaml:2 a has no default that tells its type/],
    ['a schema that is no JSON', '# A.\n# @schema {enum}\na: 1\n', /values\.yaml:3 has an @schema that is no JSON/],
    ['what is no YAML', 'a: [\n', /values\.yaml: /],
  ])('is refused with %s', (_, text, message) => {
    const make = () => {
      const read = chartValues(text);
      chartSchema(read);
      chartReadme({ description: '' }, read);
    };
    expect(make).toThrow(message);
  });
});
