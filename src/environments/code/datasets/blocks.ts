/** Fenced code in Markdown. */

export interface CodeBlock {
  /** What stands behind the opening fence: the language, or nothing. */
  readonly info: string;
  /** Without the indentation of its fence. */
  readonly code: string;
}

interface Fence {
  readonly line: number;
  readonly indent: number;
  readonly mark: string;
  readonly info: string;
}

/**
 * The fenced blocks of a text, in order. A fence closes with as many marks or more, or where the next
 * block begins; one that is never closed holds the rest. A single bare fence with nothing behind it closes what stands
 * before it.
 */
export function codeBlocks(text: string): readonly CodeBlock[] {
  const lines = text.split("\n");
  const fences = lines.flatMap((line, i) => fenceOf(line, i));
  const [first] = fences;
  if (first === undefined) return [];
  const rest = lines
    .slice(first.line + 1)
    .join("")
    .trim();
  const before = lines.slice(0, first.line);
  if (fences.length === 1 && first.info === "" && rest === "" && before.join("").trim() !== "")
    return [{ info: "", code: before.join("\n") }];
  const blocks: CodeBlock[] = [];
  let open: Fence | undefined;
  const add = (end: number): void => {
    const { line, indent, info } = open!;
    const held = lines.slice(line + 1, end).map((one) => dedented(one, indent));
    blocks.push({ info, code: held.map((one) => `${one}\n`).join("") });
  };
  for (const fence of fences) {
    if (open === undefined) open = fence;
    else if (closes(fence, open)) {
      add(fence.line);
      // A fence with a language ends a block that was left open, and begins the next.
      open = fence.info === "" ? undefined : fence;
    }
  }
  if (open !== undefined) {
    add(lines.length);
    const { info, code } = blocks.pop()!;
    blocks.push({ info, code: code.slice(0, -1) }); // what was cut off has no end of line
  }
  return blocks;
}

function fenceOf(line: string, number: number): Fence[] {
  const found = /^([ \t]{0,40})(`{3,}|~{3,})[ \t]*([^`]*)$/.exec(line);
  if (found === null) return [];
  return [{ line: number, indent: found[1]!.length, mark: found[2]!, info: found[3]!.trim() }];
}

const closes = ({ mark, info }: Fence, open: Fence): boolean =>
  mark[0] === open.mark[0] &&
  mark.length >= open.mark.length &&
  (info === "" || mark.length === open.mark.length);

function dedented(line: string, indent: number): string {
  let at = 0;
  while (at < indent && (line[at] === " " || line[at] === "\t")) at++;
  return line.slice(at);
}
