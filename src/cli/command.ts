/** What all commands share: `--json`, `--debug`, an example in their help, numbers that are checked. */
import { Command, InvalidArgumentError } from "commander";

/** A command with the options that all of them take. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  return group(name, description)
    .option("--json", "print JSON, and nothing else, on stdout")
    .option("--debug", "print the stack of an error")
    .addHelpText("after", `\nExamples:\n${examples.map((e) => `  ${e}\n`).join("")}`);
}

/** A command that only holds others. */
export function group(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride();
}

/** Parses an option's whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return value;
  };
}
