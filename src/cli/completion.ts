import { Argument, type Command } from "commander";
import { group } from "./command.js";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** `errata completion`, over the commands of `program`. */
export function completionCommand(program: Command): Command {
  return group("completion", "print a script that completes commands, options and runs in a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText(
      "after",
      "\nExamples:\n  errata completion bash >> ~/.bashrc\n  errata completion fish > ~/.config/fish/completions/errata.fish\n",
    )
    .action((shell: Shell) => {
      process.stdout.write(shell === "fish" ? fish(program) : bash(program, shell));
    });
}

interface Words {
  /** The command's words: "corpus list". */
  readonly path: string;
  /** What may follow: commands and options. */
  readonly next: readonly string[];
}

/** Every command below `command`, with what may follow it. */
function tree(command: Command, path: readonly string[] = []): Words[] {
  const next = [
    ...command.commands.map((inner) => inner.name()),
    ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
  ];
  return [
    { path: path.join(" "), next },
    ...command.commands.flatMap((inner) => tree(inner, [...path, inner.name()])),
  ];
}

/** Commands whose first argument is a run. */
const ofRuns = '"chat"|"eval"|"export"|"serve"|"runs rm"';

function bash(program: Command, shell: Shell): string {
  const cases = tree(program).map(
    ({ path, next }) => `    "${path}") words="${next.join(" ")}" ;;`,
  );
  return `${shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : ""}_errata() {
  local path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [[ "$word" =~ ^[a-z]+$ ]] && path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases.join("\n")}
    *) words="" ;;
  esac
  case "$path" in ${ofRuns}) words="$words $(errata runs --names 2>/dev/null)" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _errata errata
`;
}

function fish(program: Command): string {
  const lines = tree(program).map(({ path, next }) => {
    const seen = path.split(" ").filter((word) => word !== "");
    const condition =
      seen.length === 0
        ? "__fish_use_subcommand"
        : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    return `complete -c errata -f -n "${condition}" -a "${next.join(" ")}"`;
  });
  const runs = `__fish_seen_subcommand_from chat eval export serve`;
  return `${lines.join("\n")}\ncomplete -c errata -f -n "${runs}" -a "(errata runs --names 2>/dev/null)"\n`;
}
