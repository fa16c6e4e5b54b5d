/** Rows of tables as structs, as the crate clickhouse reads them. Enters: columns as ClickHouse describes them; leaves: Rust. */

export interface TableColumns {
  table: string;
  columns: { name: string; type: string }[];
}

/** A struct for each table, and `read_tables`, which reads all of them. */
export function buildRowStructs(tables: TableColumns[]): string {
  const structs = tables.map(({ table, columns }) => {
    const fields = columns.map(({ name, type }) => `${name}: ${rustType(type)},`);
    return `#[allow(dead_code)]\n#[derive(Row, Deserialize)]\nstruct ${nameOf(table)} { ${fields.join(' ')} }\n`;
  });
  const reads = tables.map(({ table }) => `read::<${nameOf(table)}>(client, "${table}").await;`);
  return `${structs.join('')}async fn read_tables(client: &Client) { ${reads.join(' ')} }`;
}

function nameOf(table: string): string {
  return table.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** As the crate's documentation pairs them; times are counts, enums their numbers. @throws Error for a type that is not among them. */
function rustType(type: string): string {
  const [, name, inner = ''] = /^(\w+)(?:\((.*)\))?$/s.exec(type)!;
  switch (name) {
    case 'Nullable':
      return `Option<${rustType(inner)}>`;
    case 'LowCardinality':
      return rustType(inner);
    case 'Array':
      return `Vec<${rustType(inner)}>`;
    case 'Map': {
      const [, key, value] = /^(LowCardinality\(String\)|String), (.*)$/s.exec(inner)!;
      return `Vec<(${rustType(key!)}, ${rustType(value!)})>`;
    }
    case 'FixedString':
      return `[u8; ${inner}]`;
    default: {
      const plain = PLAIN[name!];
      if (plain === undefined) throw new Error(`no type of Rust is known for ${type}`);
      return plain;
    }
  }
}
const PLAIN: Readonly<Record<string, string>> = {
  Bool: 'bool',
  UInt8: 'u8',
  UInt32: 'u32',
  UInt64: 'u64',
  Int32: 'i32',
  Int64: 'i64',
  Float64: 'f64',
  String: 'String',
  UUID: '(u64, u64)',
  DateTime: 'u32',
  DateTime64: 'i64',
  Enum8: 'i8',
};
