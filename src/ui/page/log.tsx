/** The run's log, newest first. */
import { useState } from "preact/hooks";
import type { LogPage } from "../api.js";
import { runPath } from "./api.js";
import { count } from "./format.js";
import { useAnswer } from "./hooks.js";

/** Lines shown at first. */
const most = 200;
/** pino's level of a warning. */
const warning = 40;

export function Log({ run, version }: { readonly run: string; readonly version: number }) {
  const { data, error } = useAnswer<LogPage>(runPath(run, "log"), version);
  const [all, setAll] = useState(false);
  const [text, setText] = useState("");
  if (data === undefined) return <p class="muted">{error ?? "reading the log…"}</p>;
  const lines = data.lines.toReversed().filter((line) => line.text.includes(text));
  const shown = all ? lines : lines.slice(0, most);
  return (
    <>
      <div class="filters">
        <input
          type="search"
          placeholder="find"
          aria-label="Find in the log"
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <span class="muted">{count(data.total)} lines, newest first</span>
      </div>
      <ol class="log">
        {shown.map((line, i) => (
          <li key={i} class={line.level >= warning ? "warn" : ""}>
            <time>{new Date(line.time).toLocaleTimeString("en-GB")}</time> {line.text}
          </li>
        ))}
      </ol>
      {lines.length > shown.length && (
        <button onClick={() => setAll(true)}>show {count(lines.length)} lines</button>
      )}
    </>
  );
}
