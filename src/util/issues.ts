/** What is wrong with a value that a schema refuses, in words. */
import { z } from "zod";

/** Issues that a message lists: a file may have one in each of thousands of places. */
const most = 8;

/** The first issues, one a line, and how many more there are. */
export function issuesOf({ issues }: z.ZodError): string {
  const shown = z.prettifyError(new z.ZodError(issues.slice(0, most)));
  return issues.length > most ? `${shown}\n  and ${issues.length - most} more` : shown;
}
