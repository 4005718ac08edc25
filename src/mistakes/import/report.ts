/** What an import is asked to do, and what it says it did. */
import type { SignatureNaming } from "../candidate.js";
import type { Corpus } from "../corpus/corpus.js";
import type { Environment } from "../../environments/environment.js";
import type { Embed } from "./embed.js";
import type { ImportFormat } from "./formats.js";

export interface ImportOptions {
  readonly environment: Environment;
  readonly corpus: Corpus;
  readonly format: ImportFormat;
  readonly files: readonly string[];
  /** Who made the attempts. In a format with a column for each model: the one column to take. */
  readonly model?: string;
  /**
   * Lets mistakes on validation and test tasks in as well. Nothing trained with such a corpus may
   * be evaluated on them any more. Default false: they are recorded for overlap and kept out.
   */
  readonly heldOutToo?: boolean;
  /** How mistakes that no rule names are named: as a run that the corpus is of has it. Default `auto`. */
  readonly signatures?: SignatureNaming;
  /** Default: by text. A run's corpus takes only what is embedded as its own mistakes are. */
  readonly embed?: Embed;
  /** Attempts verified at a time. Default 1. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly read: number; readonly wrong: number }) => void;
}

/** A place in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What an import did. Counts are of attempts. */
export interface ImportReport {
  readonly read: number;
  /** Played through the environment: those read but for the ones that have a problem. */
  readonly verified: number;
  readonly wrong: number;
  /** Attempts whose record says whether they are right. */
  readonly labelled: number;
  /** Those of them on which the environment says the same. */
  readonly agreedWithLabel: number;
  /** Wrong attempts whose first wrong step is known. */
  readonly localised: number;
  /** Localised ones at validation or test tasks, or at tasks barred from this corpus. */
  readonly heldOut: number;
  readonly admitted: number;
  readonly merged: number;
  /** Mistakes held back because too many agree on the answer called wrong. */
  readonly quarantined: number;
  /** Attempts that were in before. */
  readonly known: number;
  /** Of all wrong attempts, most frequent first. */
  readonly signatures: readonly {
    readonly name: string;
    readonly count: number;
    readonly models: readonly string[];
  }[];
  /** Lines that could not be used. */
  readonly problems: readonly (Place & { readonly problem: string })[];
  /** Attempts that the environment and their record judge differently. */
  readonly disagreements: readonly (Place & {
    readonly task: string;
    readonly model: string;
    readonly label: boolean;
  })[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** The counts of an {@link ImportReport} as they grow. */
export type Counts = Mutable<
  Pick<
    ImportReport,
    | "read"
    | "verified"
    | "wrong"
    | "labelled"
    | "agreedWithLabel"
    | "localised"
    | "heldOut"
    | "admitted"
    | "merged"
    | "quarantined"
    | "known"
  >
>;

/** Who made the attempts of a model, as the corpus names it. */
export function sourceOf(model: string): string {
  return model.startsWith("weak:") ? model : `weak:${model}`;
}
