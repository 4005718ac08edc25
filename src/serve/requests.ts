/** What a request asks for, checked. */
import { z } from "zod";
import type { Message } from "../environments/environment.js";
import { RequestError } from "./errors.js";

const share = z.number().gt(0).max(1);
const tokens = z.array(z.int().min(0)).min(1);

const common = {
  model: z.string(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: share.nullish(),
  top_k: z.int().min(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  n: z.int().min(1).max(128).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  presence_penalty: z.literal(0, "is not computed: leave it out").nullish(),
  frequency_penalty: z.literal(0, "is not computed: leave it out").nullish(),
  logit_bias: z
    .record(z.string(), z.number())
    .refine((bias) => Object.keys(bias).length === 0, "is not computed: leave it out")
    .nullish(),
};

const completionRequest = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)]),
  max_tokens: z.int().min(1).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.literal(false, "is not computed: leave it out").nullish(),
  suffix: z.null("is not computed: leave it out").optional(),
  best_of: z.literal(1, "is not computed: leave it out").nullish(),
});
export type CompletionRequest = z.infer<typeof completionRequest>;

const part = z.looseObject({ type: z.literal("text", "only text is read"), text: z.string() });
const message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(part)]).nullish(),
});
const chatRequest = z.looseObject({
  ...common,
  messages: z.array(message).min(1),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(z.unknown()).max(0, "are not supported").nullish(),
  response_format: z.looseObject({ type: z.literal("text", "only text is written") }).nullish(),
});
export type ChatRequest = z.infer<typeof chatRequest>;

/** @throws RequestError 400, naming the field. */
export const readCompletion = (body: unknown): CompletionRequest => read(completionRequest, body);
/** @throws RequestError 400, naming the field. */
export const readChat = (body: unknown): ChatRequest => read(chatRequest, body);

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const param = issue.path.join(".");
  throw new RequestError(400, `${param || "the request"}: ${issue.message}`, {
    param: param || null,
    code: "invalid_value",
  });
}

/** Messages as chat templates take them. */
export function messagesOf({ messages }: ChatRequest): Message[] {
  return messages.map(({ role, content }) => ({
    role: role === "developer" ? "system" : role,
    content:
      typeof content === "string" ? content : (content ?? []).map(({ text }) => text).join(""),
  }));
}
