/** An attempt as a person reads it. Everything a model wrote is a text node, never markup. */
import type { Card, CardLine } from "../api.js";

const kinds: Readonly<Record<Card["kind"], string>> = {
  conversation: "Conversation",
  program: "Program",
  proof: "Proof, as Coq reads it",
  steps: "Steps",
};

export function CardView({ card }: { readonly card: Card }) {
  if (card.lines.length === 0) return <p class="muted">no text is kept of it</p>;
  const lines = card.lines.map((line, i) => (
    <Line key={i} line={line} kind={card.kind} number={i} />
  ));
  // Steps of single words read better in a row.
  const short =
    card.kind === "steps" &&
    card.lines.every(({ text }) => text.length <= 24 && !text.includes("\n"));
  return (
    <div class={`card ${card.kind}${short ? " short" : ""}`} aria-label={kinds[card.kind]}>
      {lines}
    </div>
  );
}

const marks = { wrong: "✗", right: "✓", muted: "" } as const;
const said = { wrong: "first wrong step", right: "a right step here", muted: "" } as const;

function Line({
  line,
  kind,
  number,
}: {
  readonly line: CardLine;
  readonly kind: Card["kind"];
  readonly number: number;
}) {
  const { text, mark, role } = line;
  if (kind === "conversation")
    return (
      <div class={`turn ${role ?? ""} ${mark ?? ""}`}>
        <span class="who">
          {role}
          {mark !== undefined && mark !== "muted" && (
            <em>
              {" "}
              {marks[mark]} {said[mark]}
            </em>
          )}
        </span>
        <div class="said">{text}</div>
      </div>
    );
  return (
    <div class={`code-line ${mark ?? ""}`} title={mark === undefined ? undefined : said[mark]}>
      <span class="gutter" aria-label={mark === undefined ? undefined : said[mark]}>
        {mark === undefined || mark === "muted"
          ? kind === "steps"
            ? number + 1
            : ""
          : marks[mark]}
      </span>
      <code>{kind === "program" ? highlighted(text) : text === "" ? " " : text}</code>
    </div>
  );
}

const token =
  /(\/\/.*$)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b(function|return|const|let|for|if|else|while|break|continue|true|false|def|import|from|in|not|and|or)\b|\b(\d+)\b/gm;

/** Keywords, numbers, texts and comments told apart. */
function highlighted(text: string) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(token)) {
    const [whole, comment, string, keyword] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    const kind =
      comment !== undefined
        ? "comment"
        : string !== undefined
          ? "string"
          : keyword !== undefined
            ? "keyword"
            : "number";
    parts.push(<span class={`t-${kind}`}>{whole}</span>);
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}
