/** One line of `rollouts/step-*.jsonl` as the page reads it. */

/** What a line holds; see loop/lines.ts, which writes it. */
export interface RolloutLine {
  readonly task: string;
  readonly level: string;
  readonly actions?: readonly string[];
  readonly prompt?: string;
  /** What was said between the first action and the last, where there was a conversation. */
  readonly conversation?: readonly { readonly role: string; readonly content: string }[];
  readonly correct: boolean;
  readonly answer?: string;
  readonly stop?: string;
  readonly firstError?: {
    readonly step: number;
    readonly family: string;
    readonly detail: string;
    readonly evidence: string;
    readonly expected?: string;
  };
  readonly signature?: string;
  readonly offPolicy: boolean;
  readonly steeredBy?: string;
  readonly guided?: string;
  readonly advantage?: number;
  readonly charge?: number;
  readonly failure?: string;
  /** In place of the text, where it is private. */
  readonly sha256?: string;
  readonly length?: number;
}

/** A line, or undefined where it is none. */
export function parseRollout(text: string): RolloutLine | undefined {
  try {
    const line = JSON.parse(text) as RolloutLine;
    return typeof line.task === "string" ? line : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an attempt is the student's own: neither steered nor helped. */
export function isOwn({ offPolicy, steeredBy, guided }: RolloutLine): boolean {
  return !offPolicy && steeredBy === undefined && guided === undefined;
}
