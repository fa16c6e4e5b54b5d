/** A value that may be replaced while the server runs (certificates, tokens); whoever uses it asks for it each time. */
export interface Reloaded<T> {
  current(): T;
  /** `listener` is called with each later value. */
  onChange(listener: (value: T) => void): void;
}

/** What a TLS port shows, and whom it trusts; PEM. */
export interface TlsMaterial {
  cert: Buffer;
  key: Buffer;
  /** Set where clients must show a certificate of this authority. */
  ca: Buffer | undefined;
}
