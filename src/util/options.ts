/**
 * Settings of a mechanism: a strict zod schema beside the mechanism says type, range, default and
 * meaning of each, once; the type and the defaults are read off it.
 */
import { z } from "zod";

/** What a schema gives, nothing of it to be changed. */
export type Options<Schema extends z.ZodType> = DeepReadonly<z.output<Schema>>;

/** What a user may write for a schema: whatever has a default may be left out. */
export type OptionsInput<Schema extends z.ZodType> = DeepReadonly<z.input<Schema>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** A number in [0, 1]. */
export const share: z.ZodNumber = z.number().min(0).max(1);

/** A whole number of at least 1. */
export const count: z.ZodNumber = z.number().int().min(1);

/** A whole number of at least 0. */
export const countOrNone: z.ZodNumber = z.number().int().min(0);

/** A number of at least 0. */
export const amount: z.ZodNumber = z.number().min(0);

/** A number above 0. */
export const positive: z.ZodNumber = z.number().positive();

/** A limit above 0; none by default. */
export const limit: z.ZodDefault<z.ZodNumber> = positive.default(Number.MAX_SAFE_INTEGER);
