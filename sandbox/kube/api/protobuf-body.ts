import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';
import type { Json, JsonObject } from './json.ts';
import { PROTOBUF_OBJECTS, type ProtobufField, type ProtobufMessage } from './protobuf-schema.ts';

/** What every protobuf body of Kubernetes begins with. */
const MAGIC = Buffer.from('k8s\0');

export type ProtobufBody =
  | { readonly kind: 'object'; readonly object: JsonObject }
  | { readonly kind: 'unreadable'; readonly why: string };

/** A `k8s.io/apimachinery runtime.Unknown` with one of the objects in protobuf-schema.ts, as JSON. */
export function readProtobuf(body: Buffer): ProtobufBody {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    return { kind: 'unreadable', why: 'it does not begin with "k8s\\0"' };
  try {
    return { kind: 'object', object: readUnknown(body.subarray(MAGIC.length)) };
  } catch (error) {
    return { kind: 'unreadable', why: error instanceof Error ? error.message : String(error) };
  }
}

function readUnknown(bytes: Uint8Array): JsonObject {
  const reader = new BinaryReader(bytes);
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) ({ apiVersion, kind } = readTypeMeta(reader.bytes()));
    else if (number === 2) raw = reader.bytes();
    else reader.skip(wireType, number);
  }
  const type = PROTOBUF_OBJECTS.get(`${apiVersion} ${kind}`);
  if (!type) throw new Error(`the sandbox reads no protobuf of ${apiVersion} ${kind}; send JSON`);
  return { apiVersion, kind, ...readMessage(raw, type) };
}

function readTypeMeta(bytes: Uint8Array): { apiVersion: string; kind: string } {
  const meta = readMessage(bytes, { 1: ['apiVersion', { type: 'string' }], 2: ['kind', { type: 'string' }] });
  return { apiVersion: String(meta.apiVersion), kind: String(meta.kind) };
}

/** Fields that are not in `type` are refused: dropping them would store something else than was sent. */
function readMessage(bytes: Uint8Array, type: ProtobufMessage): JsonObject {
  const reader = new BinaryReader(bytes);
  const result: JsonObject = {};
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const entry = type[number];
    if (!entry) throw new Error(`the sandbox does not know field ${number} of this protobuf message; send JSON`);
    const [name, field] = entry;
    const value = readField(reader, wireType, number, field, result[name]);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function readField(
  reader: BinaryReader,
  wireType: WireType,
  number: number,
  field: ProtobufField,
  soFar: Json | undefined,
): Json | undefined {
  const list = Array.isArray(soFar) ? soFar : [];
  const map = soFar as JsonObject | undefined;
  switch (field.type) {
    case 'string':
      return reader.string() || undefined;
    case 'strings':
      return [...list, reader.string()];
    case 'integer':
      return Number(reader.int64()) || undefined;
    case 'optionalInteger':
      return Number(reader.int64());
    case 'boolean':
      return reader.bool() || undefined;
    case 'stringMap':
      return { ...map, ...readEntry(reader.bytes(), value => value.string()) };
    case 'bytesMap':
      return { ...map, ...readEntry(reader.bytes(), value => Buffer.from(value.bytes()).toString('base64')) };
    case 'intOrString':
      return readIntOrString(reader.bytes()) || undefined;
    case 'optionalIntOrString':
      return readIntOrString(reader.bytes());
    case 'message':
      return readMessage(reader.bytes(), field.of);
    case 'messages':
      return [...list, readMessage(reader.bytes(), field.of)];
    case 'ignored':
      reader.skip(wireType, number);
      return undefined;
  }
}

function readEntry(bytes: Uint8Array, readValue: (reader: BinaryReader) => string): JsonObject {
  const reader = new BinaryReader(bytes);
  let key = '';
  let value = '';
  while (reader.pos < reader.len) {
    const [number] = reader.tag();
    if (number === 1) key = reader.string();
    else value = readValue(reader);
  }
  return { [key]: value };
}

function readIntOrString(bytes: Uint8Array): Json {
  const { type, integer, text } = readMessage(bytes, {
    1: ['type', { type: 'integer' }],
    2: ['integer', { type: 'integer' }],
    3: ['text', { type: 'string' }],
  });
  return type === 1 ? (text ?? '') : (integer ?? 0);
}
