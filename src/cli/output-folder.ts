/**
 * The folder that a command writes to, checked before any work is done. Enters: what was given; leaves: a folder that is
 * there, or a UserError that names the option and the reason.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../model/errors.js';
import { makeFolder } from '../model/make-folder.js';

/** @param option As it is written on the command line. @throws UserError where `folder` is a file. */
export async function checkOutputFolder(folder: string, option: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error.code);
  const isFile = found === 'ENOTDIR' || (typeof found === 'object' && !found.isDirectory());
  if (isFile) throw new UserError(`${option} ${folder} is a file, or lies in one; name a folder`);
}

/** Makes the folder where it is missing. @throws UserError where it cannot be made or written. */
export async function makeOutputFolder(folder: string, option: string): Promise<void> {
  await checkOutputFolder(folder, option);
  try {
    await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new UserError(
      `${option} ${folder} cannot be written (${reason}); name a folder that you may write to`,
    );
  }
}
