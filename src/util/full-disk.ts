/** A full disk, whoever finds it. */

/** SQLite's result code: https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** Whether an error, or what caused it, is that a disk or a quota is full. */
export function isFullDisk(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: unknown; errcode?: number };
  return (
    code === "ENOSPC" ||
    code === "EDQUOT" ||
    ((errcode ?? 0) & 0xff) === SQLITE_FULL ||
    isFullDisk(error.cause)
  );
}
