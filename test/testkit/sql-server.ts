/** A ClickHouse server in a process of its own, reached over a real socket; can be killed and started again. */
import { spawn } from 'node:child_process';

export interface SqlServer {
  pid: number;
  port: number;
  url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const program = new URL('./sql-server-program.mjs', import.meta.url).pathname;

/** Port 0 = any free one; a later start with the port it got is the same server come back. */
export function startSqlServer(
  directory: string,
  port = 0,
  access: 'read-only' | 'read-write' = 'read-write',
): Promise<SqlServer> {
  const child = spawn(process.execPath, [program, directory, String(port), access], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  let printed = '';
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const listening = /^listening (\d+)$/m.exec(printed);
      if (listening === null) return;
      const { 1: got } = listening;
      resolve({
        pid: child.pid!,
        port: Number(got),
        url: `http://127.0.0.1:${got}`,
        stop: (signal = 'SIGTERM') => {
          child.kill(signal);
          return exited;
        },
      });
    });
    void exited.then(() => reject(new Error(`the SQL server ended before it listened\n${printed}`)));
  });
}
