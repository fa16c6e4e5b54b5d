/** CPU time and memory of another process, from /proc (Linux). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of every thread of the process since it began, seconds. */
export function readCpuS(pid: number): number {
  // The name in parentheses may hold spaces; fields count from behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Largest resident size so far, bytes. */
export function readPeakRssBytes(pid: number): number {
  return readStatusBytes(pid, 'VmHWM');
}

/** Resident size now, bytes. */
export function readRssBytes(pid: number): number {
  return readStatusBytes(pid, 'VmRSS');
}

function readStatusBytes(pid: number, name: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`))!;
  return Number(line.replaceAll(/\D/g, '')) * 1024;
}
