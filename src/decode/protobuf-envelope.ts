/**
 * What a Resource or InstrumentationScope says besides what makes it itself: how many attributes its sender dropped, and
 * which entities the resource describes. Read once per resource or scope that has new series, never per point.
 */
import { readText } from './protobuf-attributes.js';
import type { Span } from './span.js';
import type { WireReader } from './wire-reader.js';

/** dropped_attributes_count of the message in `spans`: field `tag`, the last one counts, 0 where unset. */
export function readDroppedAttributes(reader: WireReader, spans: readonly Span[], tag: number): number {
  let dropped = 0;
  for (const { from, to } of spans) {
    reader.pos = from;
    while (reader.pos < to) {
      const found = reader.readTag(to);
      if (found === tag) {
        reader.readVarint64(to);
        dropped = reader.lo;
      } else reader.skip(found, to);
    }
  }
  return dropped;
}

/** EntityRef as OTLP/JSON writes it, all fields in this order, so that equal ones are equal texts. */
interface EntityRef {
  schemaUrl: string;
  type: string;
  idKeys: string[];
  descriptionKeys: string[];
}

/** Resource.entity_refs = 3 as a JSON array in the order sent; '' where there are none. */
export function readEntityRefs(reader: WireReader, spans: readonly Span[]): string {
  const refs: EntityRef[] = [];
  for (const { from, to } of spans) {
    reader.pos = from;
    while (reader.pos < to) {
      const tag = reader.readTag(to);
      if (tag === 0x1a) {
        const length = reader.readLength(to);
        refs.push(readEntityRef(reader, reader.pos + length));
      } else reader.skip(tag, to);
    }
  }
  return refs.length === 0 ? '' : JSON.stringify(refs);
}

/** schema_url = 1, type = 2, id_keys = 3, description_keys = 4. */
function readEntityRef(reader: WireReader, end: number): EntityRef {
  const ref: EntityRef = { schemaUrl: '', type: '', idKeys: [], descriptionKeys: [] };
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag !== 0x0a && tag !== 0x12 && tag !== 0x1a && tag !== 0x22) {
      reader.skip(tag, end);
      continue;
    }
    const length = reader.readLength(end);
    const text = readText(reader, reader.pos, length);
    reader.pos += length;
    if (tag === 0x0a) ref.schemaUrl = text;
    else if (tag === 0x12) ref.type = text;
    else if (tag === 0x1a) ref.idKeys.push(text);
    else ref.descriptionKeys.push(text);
  }
  return ref;
}
