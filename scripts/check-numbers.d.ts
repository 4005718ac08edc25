/** A number of a text, with its interval. */
export interface Value {
  readonly shown: string;
  /** A share where a percentage is written. */
  readonly at: number;
  readonly decimals: number;
  readonly range?: readonly { readonly at: number; readonly decimals: number }[];
}
export const pages: readonly string[];
export function valuesOf(text: string): Value[];
export function faultOf(words: string, title: string, text: string): string | undefined;
export function faultsOf(
  page: string,
  text: string,
  read: (path: string) => string | undefined,
): string[];
export function rowFaults(
  path: string,
  text: string,
  results: readonly { readonly arms: readonly { readonly name: string }[] }[],
): string[];
export function readHere(path: string): string | undefined;
