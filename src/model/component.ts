/** Something with a life: started once, shut down once; both calls may be repeated without harm. */
export interface Component {
  start(): Promise<void>;
  /** Stop taking new work, finish what was accepted, release everything. Resolves within about `deadlineMs`. */
  shutdown(deadlineMs: number): Promise<void>;
}

/** Where a listening component can be reached; `port` is the real one where the setting was 0. */
export interface Address {
  host: string;
  port: number;
}
