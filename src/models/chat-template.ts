/** Chat templates: the Jinja programs that checkpoints carry to render a conversation as one prompt. */
import type { Message } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { parseTemplate, renderTemplate, type Template } from "./jinja/interpreter.js";
import { NotComputed } from "./jinja/values.js";

export interface ChatTemplateOptions {
  /** Variables that the template may read, such as `bos_token`, or `enable_thinking` of Qwen3. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** The day that `strftime_now` tells, `YYYY-MM-DD`; templates that ask for it are refused without one. */
  readonly date?: string;
  /** Where the template came from, for messages. */
  readonly path?: string;
}

/** A parsed chat template, rendered as Jinja2 3.1 renders it in transformers. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #date: string | undefined;
  readonly #path: string;

  /**
   * @throws ErrataError `CHAT_TEMPLATE` where `source` cannot be parsed, or uses what is not computed as in
   * Jinja2 for a message of the user.
   */
  constructor(
    source: string,
    { variables = {}, date, path = "chat template" }: ChatTemplateOptions = {},
  ) {
    this.#variables = variables;
    this.#date = date;
    this.#path = path;
    try {
      this.#template = parseTemplate(source);
    } catch (cause) {
      throw fault(path, "cannot be parsed", cause);
    }
    try {
      this.#render([{ role: "user", content: "Hello" }]);
    } catch (cause) {
      // What the template itself refuses depends on the conversation.
      if (cause instanceof NotComputed) throw fault(path, "cannot be used", cause);
    }
  }

  /**
   * The prompt that asks for the next message of the assistant.
   * @throws ErrataError `CHAT_TEMPLATE` where the template refuses the conversation, or uses for it what is
   * not computed as in Jinja2.
   */
  render(messages: readonly Message[]): string {
    try {
      return this.#render(messages);
    } catch (cause) {
      throw fault(
        this.#path,
        cause instanceof NotComputed ? "cannot be used" : "refuses a conversation",
        cause,
      );
    }
  }

  #render(messages: readonly Message[]): string {
    const variables = {
      tools: null,
      documents: null,
      ...this.#variables,
      messages,
      add_generation_prompt: true,
    };
    return renderTemplate(this.#template, variables, { date: this.#date });
  }
}

const fault = (path: string, what: string, cause: unknown): ErrataError =>
  new ErrataError(`${path} ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    code: "CHAT_TEMPLATE",
    hint:
      cause instanceof NotComputed
        ? "write the template without it, in chat_template.jinja; a date is set by student.templateDate"
        : "the template comes with the checkpoint; some refuse system messages, or two messages of one role in a row",
    cause,
  });
