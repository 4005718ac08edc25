/** What the server tells the page: the types of every answer, shared by both. */

/** How far a run is. */
export type RunState = "training" | "finished" | "stopped";

/** A run in a list of runs. */
export interface RunSummary {
  readonly name: string;
  readonly state: RunState;
  readonly preset: string;
  readonly environment: string | null;
  readonly seed: number;
  /** Steps done, and configured. */
  readonly step: number;
  readonly steps: number;
  /** Held-out accuracy in [0, 1]: the first and the last that was measured. */
  readonly accuracy: { readonly first: number | null; readonly last: number | null };
  readonly mistakes: number;
  /** FLOPs of training so far. */
  readonly flops: number;
  /** When its metrics last changed, in milliseconds since 1970. */
  readonly changed: number;
}

/** A study's report in a list of reports. */
export interface StudySummary {
  readonly name: string;
  /** Where its HTML page is; null where it has none. */
  readonly page: string | null;
  readonly title: string;
}

/** Answer of `GET /api/runs`. */
export interface RunList {
  readonly runs: readonly RunSummary[];
  readonly studies: readonly StudySummary[];
  /** Whether this page may send verdicts: it was opened with the token. */
  readonly mayWrite: boolean;
}

/** Held-out accuracy with Wilson's 95% interval, in [0, 1]. */
export interface Evaluation {
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Something that happened at a step, in words. */
export interface Happening {
  readonly step: number;
  readonly kind: "alarm" | "arrival" | "expert";
  readonly text: string;
}

/** Answer of `GET /api/runs/:run/series?from=`: columns of the run's steps, from the asked one on. */
export interface Series {
  /** Index of the first step told of; 0 also where the run was truncated and all must be read again. */
  readonly from: number;
  readonly steps: readonly number[];
  /** By metric key, one value a step; null where a step lacks it. */
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
  /** Share of visits on which the student repeats known mistakes, by signature. */
  readonly repeated: Readonly<Record<string, readonly (number | null)[]>>;
  /** All evaluations and happenings of the run, whatever `from` is. */
  readonly evaluations: readonly Evaluation[];
  readonly happenings: readonly Happening[];
  readonly config: RunConfig;
  readonly state: RunState;
}

/** What the page needs of a run's configuration. */
export interface RunConfig {
  readonly steps: number;
  readonly groupSize: number;
  /** Attempts of a group that are always the student's own. */
  readonly onPolicy: number;
  readonly evaluationTasks: number;
  readonly refitEvery: number;
  /** Largest share of visits with a teacher; null where there is no teacher. */
  readonly teacherCap: number | null;
  readonly budget: Readonly<Partial<Record<"flops" | "tokens" | "money" | "seconds", number>>>;
}

/** A group in a list. */
export interface GroupSummary {
  readonly step: number;
  /** Position in the step. */
  readonly index: number;
  readonly task: string;
  readonly level: string;
  readonly size: number;
  readonly right: number;
  /** Attempts that were sampled away from an expert, or from another distribution. */
  readonly steered: number;
  readonly guided: number;
  /** The student's own first attempts were all wrong. */
  readonly stuck: boolean;
  readonly rescued: boolean;
}

/** Answer of `GET /api/runs/:run/groups`. */
export interface GroupPage {
  /** Groups that fit the filter so far. */
  readonly total: number;
  readonly rows: readonly GroupSummary[];
  /** False while files are still being read: ask again. */
  readonly complete: boolean;
  /** Steps whose rollouts are on disk. */
  readonly steps: number;
}

/** Which groups are listed. */
export const groupFilters = ["all", "stuck", "rescued", "mixed", "steered", "guided"] as const;
export type GroupFilter = (typeof groupFilters)[number];

/** One attempt of a group. */
export interface Attempt {
  readonly correct: boolean;
  readonly answer: string;
  readonly stop: string;
  readonly actions: readonly string[];
  /** Index of the first wrong action. */
  readonly wrongStep?: number;
  readonly family?: string;
  readonly detail?: string;
  readonly expected?: string;
  readonly evidence?: string;
  readonly signature?: string;
  /** Who it was: `student`, `steered`, `teacher` or the name of a partner. */
  readonly by: string;
  /** The error expert that steered it away from its mistake. */
  readonly steeredBy?: string;
  readonly guided?: string;
  readonly advantage?: number;
  readonly charge?: number;
  readonly failure?: string;
  /** Set where the text is private: only its length is known. */
  readonly hidden?: number;
  readonly card: Card;
}

/** Answer of `GET /api/runs/:run/groups/:step/:index`. */
export interface GroupDetail {
  readonly summary: GroupSummary;
  readonly prompt: string | null;
  readonly attempts: readonly Attempt[];
  /** Attempts of weak partners at the same task that the corpus keeps. */
  readonly partners: readonly Attempt[];
}

/** A line of text that a reader sees, and what is to be seen in it. */
export interface CardLine {
  readonly text: string;
  readonly mark?: "wrong" | "right" | "muted";
  /** Who says it, in a conversation. */
  readonly role?: string;
}

/** An attempt as a person reads it. */
export interface Card {
  readonly kind: "conversation" | "program" | "proof" | "steps";
  readonly lines: readonly CardLine[];
  /** What became of it: the failing test, the answer. */
  readonly outcome: string;
}

/** A mistake in a list. */
export interface MistakeSummary {
  readonly id: number;
  readonly level: string;
  readonly task: string;
  readonly signature: string;
  readonly wrongStep: string;
  readonly correctStep: string | null;
  readonly source: string;
  readonly status: string;
  readonly support: number;
  readonly quality: number;
  readonly exposures: number;
}

/** Answer of `GET /api/runs/:run/mistakes`. */
export interface MistakePage {
  readonly total: number;
  readonly rows: readonly MistakeSummary[];
}

/** Answer of `GET /api/runs/:run/mistakes/:id`. */
export interface MistakeCard extends MistakeSummary {
  readonly domain: string;
  readonly state: string;
  readonly answer: string;
  readonly evidence: string;
  readonly confidence: number;
  readonly novelty: number;
  readonly suspected: boolean;
  readonly sources: Readonly<Record<string, number>>;
  /** Kept attempts, newest first. */
  readonly attempts: readonly {
    readonly by: string;
    readonly count: number;
    readonly card: Card;
  }[];
  readonly verdicts: readonly {
    readonly by: string;
    readonly verdict: string;
    readonly note?: string;
  }[];
}

/** One kind of mistake on the map. */
export interface MapEntry {
  readonly signature: string;
  readonly mistakes: number;
  /** Times it was seen. */
  readonly support: number;
  readonly bySource: Readonly<Record<string, number>>;
  readonly retired: number;
  readonly quarantined: number;
  readonly judged: number;
  readonly example: MistakeSummary | null;
  /** Share of the student's own attempts that made it, a step; null where a step's rollouts are not kept. */
  readonly share: readonly (number | null)[];
}

/** Answer of `GET /api/runs/:run/map`. */
export interface MistakeMap {
  readonly entries: readonly MapEntry[];
  readonly statuses: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, number>>;
  /** Steps of `share`. */
  readonly steps: readonly number[];
  readonly complete: boolean;
}

/** Answer of `GET /api/runs/:run/cost`. */
export interface CostReport {
  readonly roles: readonly {
    readonly role: string;
    readonly flops: number;
    readonly tokens: number;
    readonly rollouts: number;
    readonly seconds: number;
    readonly money: number;
  }[];
  readonly spent: Readonly<Record<string, number>>;
  readonly budget: Readonly<Record<string, number>>;
  readonly teacher: { readonly share: number; readonly cap: number; readonly calls: number } | null;
  /** The step the account is of: that of the last checkpoint. */
  readonly step: number;
}

/** Answer of `GET /api/runs/:run/log`. */
export interface LogPage {
  readonly lines: readonly {
    readonly time: number;
    readonly level: number;
    readonly text: string;
  }[];
  readonly total: number;
}

/** What a verdict would change. */
export interface Effect {
  readonly verdict: string;
  readonly status: string;
  /** In words. */
  readonly text: string;
}

/** What waits for a reviewer. */
export interface ReviewCard extends MistakeCard {
  readonly score: number;
  readonly audit: boolean;
  /** Tells that a verdict is about the very mistake that was seen. */
  readonly identity: string;
  readonly effects: readonly Effect[];
}

/** Answer of `GET /api/runs/:run/reviews`. */
export interface ReviewQueue {
  readonly queue: readonly ReviewCard[];
  readonly waiting: number;
  readonly judged: number;
  /** Verdicts that the run has yet to take, and the step of its next refit. */
  readonly pending: number;
  readonly nextRefit: number | null;
  readonly taken: readonly { readonly step: number; readonly verdicts: number }[];
  readonly reviewers: Readonly<Record<string, number>>;
  readonly agreement: readonly Agreement[];
  readonly contested: number;
}

/** How far two reviewers agree: Cohen's kappa over what both judged. */
export interface Agreement {
  readonly reviewers: readonly [string, string];
  readonly items: number;
  readonly agree: number;
  readonly kappa: number | null;
}

/** Body of `POST /api/runs/:run/reviews`. */
export type ReviewRequest = {
  readonly mistake: number;
  readonly identity: string;
  readonly by: string;
} & (
  | { readonly verdict: string; readonly note?: string; readonly fix?: string }
  | { readonly undo: true }
);

/** Data of the event `change` on `GET /api/runs/:run/events`. */
export interface Change {
  readonly state: RunState;
  /** Bytes of metrics.jsonl, arrivals.jsonl and reviews.jsonl: what differs has changed. */
  readonly metrics: number;
  readonly arrivals: number;
  readonly reviews: number;
  readonly log: number;
}

/** Answer to anything refused. */
export interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}
