/**
 * Errors of the SQL port → HTTP, as ClickHouse's own HTTP interface does it: the status by error code, the code in a
 * header, the message in its usual form. The table follows ClickHouse, so that its clients behave the same here.
 */
import { ClickHouseError } from '../model/clickhouse.js';

const CODES_BY_STATUS: [status: number, codes: number[]][] = [
  [401, [194]], // REQUIRED_PASSWORD
  [403, [192, 193, 497, 512, 516]], // UNKNOWN_USER, WRONG_PASSWORD, ACCESS_DENIED, SET_NON_GRANTED_ROLE, AUTHENTICATION_FAILED
  [
    400, // malformed queries and values
    [
      6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675,
      676,
    ],
  ],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511]], // UNKNOWN_…
  [408, [159]], // TIMEOUT_EXCEEDED
  [411, [381]], // HTTP_LENGTH_REQUIRED
  [413, [229]], // QUERY_IS_TOO_LARGE
  [415, [779]], // UNSUPPORTED_MEDIA_TYPE
  [501, [48]], // NOT_IMPLEMENTED
  [503, [76, 209, 439]], // CANNOT_OPEN_FILE, SOCKET_TIMEOUT, CANNOT_SCHEDULE_TASK
];
const STATUS_BY_CODE = new Map(
  CODES_BY_STATUS.flatMap(([status, codes]) => codes.map((code) => [code, status])),
);

export function findStatus(error: ClickHouseError): number {
  return STATUS_BY_CODE.get(error.code) ?? 500;
}

/** `Code: 47. DB::Exception: … (UNKNOWN_IDENTIFIER) (version 26.7.2.1)`, with a newline. */
export function formatError(error: ClickHouseError, version: string): string {
  const { code, type, message } = error;
  return `Code: ${code}. DB::Exception: ${message}. (${type}) (version ${version})\n`;
}

/** Whatever went wrong, as an error of ClickHouse; 1002 is its code for what has none. */
export function toSqlError(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError && error.code !== 0) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ClickHouseError(1002, 'UNKNOWN_EXCEPTION', message, { cause: error });
}
