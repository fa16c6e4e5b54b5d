/**
 * Ports: starting to listen, with an error that says which setting to change. Enters: a component with an address; leaves:
 * the same, listening. Knows nothing of what is said on a port.
 */
import type { Address, Component } from './model/component.js';
import { UserError } from './model/errors.js';

export interface Listener {
  component: Component & { address(): Address };
  /** As its settings have it: PLUMBLINE_NAME_PORT, PLUMBLINE_NAME_HOST. */
  name: string;
  host: string;
  port: number;
}

/** Throws UserError where the port is in use or may not be listened on. */
export async function startListening({ component, name, host, port }: Listener): Promise<void> {
  try {
    await component.start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new UserError(
        `port ${port} on ${host} is in use; stop what listens there, or set PLUMBLINE_${name}_PORT to another port (0 = any free one)`,
      );
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new UserError(
        `cannot listen on ${host}:${port} (${code}); set PLUMBLINE_${name}_HOST (or PLUMBLINE_HOST) and PLUMBLINE_${name}_PORT to what this user may use`,
      );
    }
    throw error;
  }
}

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
