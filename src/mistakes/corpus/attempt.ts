/** How a whole attempt is written into the corpus: its task, and each step with what was seen. */
import type { Json, Message } from "../../environments/environment.js";
import type { Candidate, MistakeTrace, TraceStep } from "./mistake.js";

type Attempt = Pick<MistakeTrace, "trace" | "data">;

/** A step as it is stored: of a conversation, only what the step before had not. */
interface StoredStep {
  readonly prompt: string;
  readonly action: string;
  /** Messages after the first `shared` of the step before. */
  readonly messages?: readonly Message[];
  readonly shared?: number;
}

/** A list of steps where there is nothing else to keep, as older corpora have it. */
type Stored =
  | readonly StoredStep[]
  | { readonly data: Json; readonly steps: readonly StoredStep[] };

/** An attempt as JSON text. Equal attempts give equal texts. */
export function writeAttempt({ trace, data }: Pick<Candidate, "trace" | "data">): string {
  let before: readonly Message[] = [];
  const steps = trace.map(({ prompt, messages, action }): StoredStep => {
    if (messages === undefined || isOneMessage(messages, prompt)) return { prompt, action };
    const shared = commonLength(before, messages);
    before = messages;
    return { prompt, action, messages: messages.slice(shared), shared };
  });
  const stored: Stored = data === undefined ? steps : { data, steps };
  return JSON.stringify(stored);
}

/** The attempt that {@link writeAttempt} wrote. */
export function readAttempt(text: string): Attempt {
  const stored = JSON.parse(text) as Stored;
  const bare = isList(stored);
  let before: readonly Message[] = [];
  const trace = (bare ? stored : stored.steps).map((step): TraceStep => {
    const { prompt, action, messages, shared = 0 } = step;
    if (messages === undefined) return { prompt, action };
    before = [...before.slice(0, shared), ...messages];
    return { prompt, messages: before, action };
  });
  return { trace, ...(bare ? {} : { data: stored.data }) };
}

function isList(stored: Stored): stored is readonly StoredStep[] {
  return Array.isArray(stored);
}

/** Whether a conversation says no more than its prompt does as one message of the user. */
function isOneMessage(messages: readonly Message[], prompt: string): boolean {
  return messages.length === 1 && messages[0]!.role === "user" && messages[0]!.content === prompt;
}

function commonLength(a: readonly Message[], b: readonly Message[]): number {
  let n = 0;
  while (n < a.length && n < b.length && same(a[n]!, b[n]!)) n++;
  return n;
}

function same(a: Message, b: Message): boolean {
  return a.role === b.role && a.content === b.content;
}
