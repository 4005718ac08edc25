/** Groups: a long list, and one of them side by side. */
import { useEffect, useState } from "preact/hooks";
import {
  groupFilters,
  type Attempt,
  type GroupDetail,
  type GroupFilter,
  type GroupSummary,
  type RunConfig,
} from "../api.js";
import { runPath } from "./api.js";
import { CardView } from "./card.js";
import { count, many, plain } from "./format.js";
import { to, useAnswer } from "./hooks.js";
import { VirtualList } from "./list.js";

const words: Readonly<Record<GroupFilter, string>> = {
  all: "all",
  stuck: "stuck",
  rescued: "rescued",
  mixed: "right and wrong",
  steered: "steered",
  guided: "with a teacher",
};

export interface GroupsProps {
  readonly run: string;
  readonly at: readonly string[];
  readonly version: unknown;
  readonly config: RunConfig;
}

export function Groups({ run, at, version, config }: GroupsProps) {
  const [filter, setFilter] = useState<GroupFilter>("all");
  const [text, setText] = useState("");
  const [selected, setSelected] = useState(0);
  const [total, setTotal] = useState<{ n: number; complete: boolean }>();
  const [step, index] = at;
  const open = step !== undefined && index !== undefined;
  const path = (offset: number, limit: number): string =>
    runPath(run, "groups", { filter, text, offset, limit });
  const show = (row: GroupSummary): void => {
    location.hash = to("run", run, "groups", String(row.step), String(row.index));
  };
  return (
    <div class={open ? "split open" : "split"}>
      <section class="side" aria-label="Groups">
        <div class="filters">
          <label>
            show{" "}
            <select
              value={filter}
              onChange={(e) => (setFilter(e.currentTarget.value as GroupFilter), setSelected(0))}
            >
              {groupFilters.map((name) => (
                <option key={name} value={name}>
                  {words[name]}
                </option>
              ))}
            </select>
          </label>
          <input
            type="search"
            placeholder="find in tasks"
            aria-label="Find in tasks"
            value={text}
            onInput={(e) => (setText(e.currentTarget.value), setSelected(0))}
          />
          <span class="muted">
            {total === undefined
              ? ""
              : `${count(total.n)}${total.complete ? "" : "+, still reading"}`}
          </span>
        </div>
        <VirtualList<GroupSummary>
          label="Groups, newest first"
          path={path}
          version={version}
          rowHeight={52}
          selected={selected}
          onSelect={(i, row) => {
            setSelected(i);
            if (row !== undefined && matchMedia("(min-width: 60rem)").matches) show(row);
          }}
          onOpen={show}
          onTotal={(n, complete) => setTotal({ n, complete })}
          empty={
            filter === "all" && text === ""
              ? "No rollouts yet, or they are not kept (keepRollouts)."
              : "No group fits."
          }
          render={(row) => <GroupRow row={row} />}
        />
      </section>
      <section class="detail" aria-label="Group">
        {open ? (
          <Group run={run} step={step} index={index} config={config} />
        ) : (
          <p class="empty">
            Choose a group: its attempts are shown side by side, right and wrong, whose they are,
            and where each first went wrong.
          </p>
        )}
      </section>
    </div>
  );
}

function GroupRow({ row }: { readonly row: GroupSummary }) {
  const { step, task, level, size, right, steered, guided, stuck, rescued } = row;
  return (
    <>
      <span class="row-main">{task}</span>
      <span class="row-more">
        <span class="dots" aria-label={`${right} of ${size} right`}>
          <i class="right" style={{ width: `${(100 * right) / size}%` }} />
        </span>
        {right}/{size} · step {step} · {level}
        {rescued ? <em class="tag good">rescued</em> : stuck && <em class="tag bad">stuck</em>}
        {steered > 0 && <em class="tag">steered</em>}
        {guided > 0 && <em class="tag">teacher</em>}
      </span>
    </>
  );
}

function Group({
  run,
  step,
  index,
  config,
}: {
  readonly run: string;
  readonly step: string;
  readonly index: string;
  readonly config: RunConfig;
}) {
  const { data, error } = useAnswer<GroupDetail>(runPath(run, `groups/${step}/${index}`));
  const [different, setDifferent] = useState(true);
  useEffect(() => {
    document.querySelector(".detail")?.scrollTo(0, 0);
  }, [step, index]);
  if (error !== undefined) return <p class="notice bad">{error}</p>;
  if (data === undefined) return <p class="muted">reading the group…</p>;
  const { summary, prompt, attempts, partners } = data;
  const columns = different
    ? merged(attempts)
    : attempts.map((attempt, i) => ({ attempt, numbers: [i + 1] }));
  return (
    <>
      <a class="back" href={to("run", run, "groups")}>
        ← all groups
      </a>
      <h2 class="task">{summary.task}</h2>
      <p>{inWords(summary, config, attempts)}</p>
      {prompt !== null &&
        prompt.trim() !== summary.task.trim() &&
        !prompt.startsWith(summary.task) && (
          <details>
            <summary>What was asked first</summary>
            <pre class="prompt">{prompt}</pre>
          </details>
        )}
      {columns.length < attempts.length || !different ? (
        <label class="check">
          <input type="checkbox" checked={different} onChange={() => setDifferent(!different)} />{" "}
          show equal attempts once
        </label>
      ) : null}
      <div class="attempts">
        {columns.map(({ attempt, numbers }) => (
          <AttemptView
            key={numbers[0]}
            attempt={attempt}
            title={
              numbers.length === 1 ? `Attempt ${numbers[0]}` : `Attempts ${numbers.join(", ")}`
            }
          />
        ))}
      </div>
      <h3>Weak partners at this task</h3>
      {partners.length === 0 ? (
        <p class="muted">
          The corpus keeps no attempt of a weak partner at this task: they play only where the
          student is stuck, and right or repeated attempts are not kept.
        </p>
      ) : (
        <div class="attempts">
          {partners.slice(0, 6).map((attempt, i) => (
            <AttemptView key={i} attempt={attempt} title={attempt.by} />
          ))}
        </div>
      )}
    </>
  );
}

/** What became of a group, in words. */
function inWords(
  { step, level, size, right, stuck, rescued, guided }: GroupSummary,
  { onPolicy }: RunConfig,
  attempts: readonly Attempt[],
): string {
  const steered = attempts.filter((attempt) => attempt.by === "steered");
  const names = [...new Set(steered.flatMap(({ steeredBy }) => steeredBy ?? []))];
  const away = names.length === 0 ? "a known mistake" : names.join(", ");
  const parts = [`Step ${step}, level ${level}: ${right} of ${size} right.`];
  if (stuck) parts.push(`The first ${Math.min(onPolicy, size)} were all wrong`);
  if (stuck && steered.length > 0)
    parts.push(
      `, so ${many(steered.length, "more attempt")} ${steered.length === 1 ? "was" : "were"} sampled away from ${away}`,
    );
  else if (steered.length > 0)
    parts.push(
      `${many(steered.length, "attempt")} ${steered.length === 1 ? "was" : "were"} sampled away from ${away}`,
    );
  if (stuck) parts.push(rescued ? ": rescued." : ": still stuck.");
  else if (steered.length > 0) parts.push(".");
  if (guided > 0) parts.push(` A teacher took part in ${many(guided, "attempt")}.`);
  return parts.join(" ").replaceAll(" ,", ",").replaceAll(" :", ":").replaceAll(" .", ".");
}

/** Equal attempts of one kind put together. */
function merged(
  attempts: readonly Attempt[],
): { readonly attempt: Attempt; readonly numbers: number[] }[] {
  const found = new Map<string, { readonly attempt: Attempt; readonly numbers: number[] }>();
  for (const [i, attempt] of attempts.entries()) {
    const key = JSON.stringify([
      attempt.by,
      attempt.steeredBy,
      attempt.actions,
      attempt.hidden,
      attempt.correct,
      attempt.answer,
    ]);
    const known = found.get(key);
    if (known === undefined) found.set(key, { attempt, numbers: [i + 1] });
    else known.numbers.push(i + 1);
  }
  return [...found.values()];
}

export function AttemptView({
  attempt,
  title,
}: {
  readonly attempt: Attempt;
  readonly title: string;
}) {
  const {
    correct,
    by,
    steeredBy,
    guided,
    signature,
    family,
    detail,
    advantage,
    charge,
    failure,
    hidden,
    card,
  } = attempt;
  return (
    <article class={correct ? "attempt correct" : "attempt wrong"}>
      <header>
        <b class="verdict">{correct ? "✓ right" : "✗ wrong"}</b> {title}
        {by === "steered" && (
          <em class="tag">steered away from {steeredBy ?? "a known mistake"}</em>
        )}
        {guided !== undefined && <em class="tag">teacher: {guided}</em>}
      </header>
      {hidden === undefined ? (
        <CardView card={card} />
      ) : (
        <p class="muted">private: {many(hidden, "action")}, only a hash is kept</p>
      )}
      <footer>
        {!correct && <p class="outcome">{card.outcome}</p>}
        {signature !== undefined && <span class="tag bad">{signature}</span>}
        {signature === undefined && family !== undefined && <span class="tag bad">{family}</span>}
        {detail !== undefined && detail !== "" && <span class="muted"> {detail}</span>}
        {failure !== undefined && <p class="notice bad">the environment failed: {failure}</p>}
        {advantage !== undefined && (
          <span class="muted">
            {" "}
            advantage {plain(advantage)}
            {charge !== undefined && charge !== 0 && `, charge ${plain(charge)}`}
          </span>
        )}
      </footer>
    </article>
  );
}
