/** Who may do what at the ports that answer questions. Senders have the role ingest, which is no part of this. */
import type { Reloaded } from './reloaded.js';

/** `read` asks SQL and sees the pages; `admin` changes things too. */
export type Role = 'read' | 'admin';

/** Tokens of each role; undefined where there are none. */
export type RoleTokens = Record<Role, Reloaded<readonly string[]> | undefined>;
