/** How a task of a file may be answered, rightly and seemingly, for `errata env check`. */
import { type Attempts, changedNumbers, statedForms, unstatedForms } from "../answers/forms.js";
import { readNumber } from "../answers/number.js";
import type { FileTask } from "./task-record.js";

/** The forms in which a task's reference must be accepted. */
export function formsOf({ reference }: FileTask): Attempts {
  return statedForms(reference.trim());
}

/** The attempts at a task that must be refused; of a pattern or of code, those that state nothing. */
export function tricksOf({ reference, verifier }: FileTask): Attempts {
  const all = unstatedForms(reference.trim());
  if (verifier.kind === "exact") return all;
  if (verifier.kind === "number")
    return readNumber(reference) === undefined || /^-?[01](?:\.0*)?$/.test(reference.trim())
      ? all
      : { ...all, ...changedNumbers(reference.trim()) };
  const unstated = Object.entries(all).filter(([kind]) => /thoughts|empty|close/.test(kind));
  return Object.fromEntries(unstated);
}
