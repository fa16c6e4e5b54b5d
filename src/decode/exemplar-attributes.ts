/** Filtered attributes of one exemplar into the map columns of ExemplarPoints, for both decoders. */
import type { Bytes, ExemplarPoints } from '../model/point-batch.js';
import { ATTRIBUTE_TYPES, canonicalAttributes, type KeyValue } from './any-value.js';

const utf8 = new TextEncoder();

/** Appends one map element to `exemplars`: keys, values and types, and where the row's map ends. */
export function appendExemplarAttributes(exemplars: ExemplarPoints, attributes: readonly KeyValue[]): void {
  for (const attribute of canonicalAttributes(attributes)) {
    appendText(exemplars.attributeKeys, attribute.key);
    appendText(exemplars.attributeValues, attribute.value);
    exemplars.attributeTypes.push(ATTRIBUTE_TYPES.indexOf(attribute.type));
  }
  exemplars.attributesEnd.push(exemplars.attributeTypes.length, 0);
}

/** A string as Native has it: length as a varint, then UTF-8. */
function appendText(column: Bytes, text: string): void {
  const bytes = utf8.encode(text);
  let length = bytes.length;
  while (length >= 0x80) {
    column.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  column.push(length);
  column.pushBytes(bytes);
}
