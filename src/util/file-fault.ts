/** Errors of the file system, in words. */
import { ErrataError } from "./error.js";

/** What the codes mean that a user can do something about: errno(3). */
const meanings: Readonly<Record<string, string>> = {
  EACCES: "nobody has allowed it",
  EEXIST: "there is something already",
  EISDIR: "it is a folder",
  ELOOP: "it is a link that leads back to itself",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "its name is too long",
  ENOENT: "there is no such file",
  ENOTDIR: "a file is where a folder should be",
  ENOTEMPTY: "the folder is not empty",
  EPERM: "it is not permitted",
  EROFS: "it can only be read",
};

/** An error that a file or a folder gave, with its path; undefined of any other. */
export function fileFault(error: unknown): ErrataError | undefined {
  if (!(error instanceof Error) || error instanceof ErrataError) return undefined;
  const { code, path, dest, syscall } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (code === undefined || typeof path !== "string" || syscall?.startsWith("spawn") === true)
    return undefined;
  const place = dest === undefined ? path : `${path} or ${dest}`;
  return new ErrataError(`${place} cannot be used: ${meanings[code] ?? error.message} (${code})`, {
    code: "FILE_ACCESS",
    hint: "see what is there, and who may read and write it",
    cause: error,
  });
}
