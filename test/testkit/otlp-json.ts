/**
 * Requests from otlp-arbitrary.ts as OTLP/JSON text, in any of the forms that the mapping allows: integers bare or in
 * quotes, enums by number or name, either case of names, nulls, unknown fields, white space, escapes. Writes the text
 * itself, because JSON.stringify knows no 64-bit integers.
 */
import protobuf from 'protobufjs';
import type { OtlpMessage, OtlpValue } from './otlp-arbitrary.js';
import type { Random } from './otlp-encoding.js';

/** With `random` any of the forms, without it the one that SDKs write. */
export function encodeJson(type: protobuf.Type, message: OtlpMessage, random?: Random): Buffer {
  return Buffer.from(new JsonWriter(random).message(type, message));
}

class JsonWriter {
  /** 1 where only the usual form is wanted: then no draw is ever below a threshold. */
  private readonly draw: Random;

  constructor(random: Random | undefined) {
    this.draw = random ?? (() => 1);
  }

  message(type: protobuf.Type, message: OtlpMessage): string {
    const members: string[] = [];
    let isOrdered = false;
    for (const field of type.fieldsArray) {
      const value = message[field.name];
      if (value !== undefined) {
        // Of a name that comes twice only the last counts.
        if (this.happens(0.03)) {
          members.push(this.member(this.name(field.name), '[{"not": "this"}]'));
          isOrdered = true;
        }
        members.push(this.member(this.name(field.name), this.field(field, value)));
      } else if (this.happens(0.1)) members.push(this.member(this.name(field.name), 'null'));
    }
    while (this.happens(0.1)) members.unshift(this.member(this.text('unknown'), this.unknown()));
    if (!isOrdered && this.happens(0.3)) members.reverse();
    const comma = `${this.space()},${this.space()}`;
    return `{${this.space()}${members.join(comma)}${this.space()}}`;
  }

  private member(name: string, value: string): string {
    return `${name}${this.space()}:${this.space()}${value}`;
  }

  private name(name: string): string {
    if (this.happens(0.03)) return this.text(name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
    return this.text(name);
  }

  private field(field: protobuf.Field, value: OtlpValue): string {
    if (!field.resolve().repeated) return this.item(field, value);
    const items = (value as OtlpValue[]).map((item) => this.item(field, item));
    if (this.happens(0.05)) items.splice(Math.floor(this.draw() * (items.length + 1)), 0, 'null');
    return `[${this.space()}${items.join(`${this.space()},${this.space()}`)}${this.space()}]`;
  }

  private item(field: protobuf.Field, value: OtlpValue): string {
    const inner = field.resolvedType;
    if (inner instanceof protobuf.Type) return this.message(inner, value as OtlpMessage);
    if (inner instanceof protobuf.Enum) return this.enumeration(inner, value as number);
    switch (field.type) {
      case 'string':
        return this.text(value as string);
      case 'bool':
        return value ? 'true' : 'false';
      case 'bytes':
        return this.bytes(field.name, value as Uint8Array);
      case 'double':
        return this.double(value as number);
      default:
        return this.integer(value as bigint | number, field.type.endsWith('64'));
    }
  }

  private enumeration(type: protobuf.Enum, value: number): string {
    const name = type.valuesById[value];
    if (name !== undefined && this.happens(0.4)) return this.text(name);
    return this.happens(0.1) ? `"${value}"` : String(value);
  }

  private integer(value: bigint | number, isLong: boolean): string {
    const digits = value.toString();
    if (this.happens(0.05)) return `${digits}.0`;
    if (this.happens(0.05)) return `"${digits}e0"`;
    if (this.happens(0.05) && digits !== '0' && digits.endsWith('0')) return `${digits.slice(0, -1)}E+1`;
    const isQuoted = this.happens(0.4) ? !isLong : isLong;
    return isQuoted ? `"${digits}"` : digits;
  }

  private double(value: number): string {
    if (!Number.isFinite(value)) return `"${value}"`;
    const digits = Object.is(value, -0) ? '-0' : String(value);
    if (this.happens(0.1) && !digits.includes('e')) return `${digits}${digits.includes('.') ? '00' : '.0'}`;
    return this.happens(0.2) ? `"${digits}"` : digits;
  }

  /** IDs are hex, everything else is base64. */
  private bytes(name: string, value: Uint8Array): string {
    const bytes = Buffer.from(value);
    if (name === 'traceId' || name === 'spanId') {
      const hex = bytes.toString('hex');
      return `"${this.happens(0.5) ? hex.toUpperCase() : hex}"`;
    }
    return `"${bytes.toString(this.happens(0.3) ? 'base64url' : 'base64')}"`;
  }

  private text(text: string): string {
    if (!this.happens(0.05)) return JSON.stringify(text);
    const escaped = Array.from(
      { length: text.length },
      (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
    );
    return `"${escaped.join('')}"`;
  }

  private unknown(): string {
    const values = [
      '1',
      '-0.5e-7',
      '"text \\u0041\\n"',
      'true',
      'null',
      '[]',
      '{}',
      '[[{"a": [1, {}]}], "}"]',
    ];
    return values[Math.floor(this.draw() * values.length)]!;
  }

  private space(): string {
    return this.happens(0.03) ? ' \r\n\t' : '';
  }

  private happens(probability: number): boolean {
    return this.draw() < probability;
  }
}
