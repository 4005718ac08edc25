/** Chat templates: the Jinja programs that checkpoints carry to render a conversation as one prompt. */
import { Template } from "@huggingface/jinja";
import type { Message } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";

export interface ChatTemplateOptions {
  /** Variables that the template may read, such as `bos_token`, or `enable_thinking` of Qwen3. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Where the template came from, for messages. */
  readonly path?: string;
}

/** A parsed chat template. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @throws ErrataError `CHAT_TEMPLATE` where `source` cannot be parsed. */
  constructor(
    source: string,
    { variables = {}, path = "chat template" }: ChatTemplateOptions = {},
  ) {
    this.#variables = variables;
    this.#path = path;
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw fault(path, "cannot be parsed", cause);
    }
  }

  /**
   * The prompt that asks for the next message of the assistant.
   * @throws ErrataError `CHAT_TEMPLATE` where the template refuses the conversation.
   */
  render(messages: readonly Message[]): string {
    try {
      return this.#template.render({
        tools: null,
        documents: null,
        ...this.#variables,
        messages,
        add_generation_prompt: true,
      });
    } catch (cause) {
      throw fault(this.#path, "refuses a conversation", cause);
    }
  }
}

const fault = (path: string, what: string, cause: unknown): ErrataError =>
  new ErrataError(`${path} ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    code: "CHAT_TEMPLATE",
    hint: "the template comes with the checkpoint; some refuse system messages, or two messages of one role in a row",
    cause,
  });
