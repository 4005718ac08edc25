/** Tools as language models are given them, run on a database that is never changed in place. */
import type { Json } from "../environment.js";
import type { Database } from "./database.js";

/** The part of JSON Schema that tool parameters use. */
export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean";
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

/** Arguments of a call, as parsed from JSON. */
export type Arguments = Readonly<Record<string, Json>>;

/** A call of a tool. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: Arguments;
}

/** What a tool gives back: the database after it, and its answer. */
export interface ToolResult<D> {
  readonly database: D;
  readonly content: Json;
}

/** A tool refused: its message is what the caller reads. Nothing was changed. */
export class ToolError extends Error {}

/** A tool of kind `write` changes the database, `read` looks at it, `generic` does neither. */
export interface Tool<D = Database> {
  readonly name: string;
  readonly kind: "read" | "write" | "generic";
  readonly description: string;
  readonly parameters: JsonSchema;
  /** @throws ToolError when it refuses; anything else it throws is a refusal too. */
  run(database: D, args: Arguments): ToolResult<D>;
}

/** The outcome of {@link callTool}. */
export interface CallOutcome<D> extends ToolResult<D> {
  /** What a `tool` message says: text as it is, anything else as JSON. */
  readonly text: string;
  readonly error: boolean;
}

/**
 * Runs a call. Never throws: an unknown tool, missing arguments, arguments it has no name for and a
 * refusal all come back as text that begins with `Error: `, with the database as it was.
 *
 * As in tau-bench, values are not held to the schema: a tool refuses what it cannot use.
 */
export function callTool<D>(
  tools: ReadonlyMap<string, Tool<D>>,
  database: D,
  { name, arguments: args }: ToolCall,
): CallOutcome<D> {
  const refuse = (message: string): CallOutcome<D> => {
    const text = `Error: ${message}`;
    return { database, content: text, text, error: true };
  };
  const tool = tools.get(name);
  if (tool === undefined) return refuse(`there is no tool ${JSON.stringify(name)}`);
  const { properties = {}, required = [] } = tool.parameters;
  const missing = required.find((key) => !Object.hasOwn(args, key));
  if (missing !== undefined) return refuse(`${name} lacks the argument ${missing}`);
  const unknown = Object.keys(args).find((key) => !Object.hasOwn(properties, key));
  if (unknown !== undefined) return refuse(`${name} has no argument ${unknown}`);
  try {
    const result = tool.run(database, args);
    const { content } = result;
    const text = typeof content === "string" ? content : JSON.stringify(content);
    return { ...result, text, error: false };
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

/** A definition as OpenAI-compatible servers take it. */
export function toolDefinition<D>({ name, description, parameters }: Tool<D>): Json {
  return {
    type: "function",
    function: { name, description, parameters: parameters as unknown as Json },
  };
}

/** Tools by name. */
export function toolMap<D>(tools: readonly Tool<D>[]): ReadonlyMap<string, Tool<D>> {
  return new Map(tools.map((tool) => [tool.name, tool]));
}

/** A parameter schema with every property required. */
export function parameters(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/**
 * An argument that must be text.
 * @throws ToolError when it is not.
 */
export function textArgument(args: Arguments, name: string): string {
  const value = args[name];
  if (typeof value !== "string") throw new ToolError(`${name} must be a string`);
  return value;
}

/**
 * An argument that must be a number.
 * @throws ToolError when it is not.
 */
export function numberArgument(args: Arguments, name: string): number {
  const value = args[name];
  if (typeof value !== "number") throw new ToolError(`${name} must be a number`);
  return value;
}

/**
 * An argument that must be a list; its elements are the caller's word.
 * @throws ToolError when it is not.
 */
export function listArgument<T extends Json>(args: Arguments, name: string): readonly T[] {
  const value = args[name];
  if (!Array.isArray(value)) throw new ToolError(`${name} must be a list`);
  return value as readonly T[];
}
