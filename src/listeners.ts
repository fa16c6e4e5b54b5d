/**
 * Ports: starting to listen, with an error that says which setting to change. Enters: a component with an address; leaves:
 * the same, listening. Knows nothing of what is said on a port.
 */
import type { Address, Component } from './model/component.js';
import { UserError } from './model/errors.js';

export interface Listener {
  component: Component & { address(): Address };
  env: string;
  port: number;
}

/** Throws UserError where the port is in use or may not be listened on. */
export async function startListening({ component, env, port }: Listener, host: string): Promise<void> {
  try {
    await component.start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new UserError(
        `port ${port} on ${host} is in use; stop what listens there, or set ${env} to another port (0 = any free one)`,
      );
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new UserError(
        `cannot listen on ${host}:${port} (${code}); set PLUMBLINE_HOST and ${env} to what this user may use`,
      );
    }
    throw error;
  }
}

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
