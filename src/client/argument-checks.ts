/**
 * What the arguments of a tracker must be. Enters: a name and a value; throws a TypeError or RangeError that says which
 * argument is wrong, what it was and what it must be. `guard` is the one place that catches: a tracker never throws into
 * the app, and never records a value that is not right.
 */

export type OnInvalid = (error: Error) => void;

/** The same function, whose errors go to onInvalid with the name of the tracker before them. */
export function guard<Args extends readonly unknown[]>(
  tracker: string,
  onInvalid: OnInvalid,
  run: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      onInvalid(describeProblem(tracker, error));
    }
  };
}

/** What onInvalid is told: of the same kind as the error, which stays reachable as its cause. */
export function describeProblem(tracker: string, error: unknown): Error {
  const Kind = error instanceof TypeError ? TypeError : error instanceof RangeError ? RangeError : Error;
  const message = error instanceof Error ? error.message : String(error);
  return new Kind(`${tracker}: ${message}; nothing was recorded`, { cause: error });
}

export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${name} must be a text that is not empty, was ${show(value)}`);
  }
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, was ${show(value)}`);
}

export function checkNumber(name: string, value: unknown, min: number, max = Number.POSITIVE_INFINITY): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, was ${show(value)}`);
  if (!(Number.isFinite(value) && value >= min && value <= max)) {
    const range = max === Number.POSITIVE_INFINITY ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new RangeError(`${name} must be a finite number ${range}, was ${value}`);
  }
}

export function checkPositive(name: string, value: unknown): void {
  checkNumber(name, value, 0);
  if (value === 0) throw new RangeError(`${name} must be more than 0`);
}

export function checkCount(name: string, value: unknown): void {
  checkNumber(name, value, 0);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number, was ${value}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
