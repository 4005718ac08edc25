/** The map of mistakes: what kinds there are, how each fades, and every single one. */
import { useState } from "preact/hooks";
import type { MapEntry, MistakeCard, MistakeMap, MistakeSummary, Series } from "../api.js";
import { runPath } from "./api.js";
import { CardView } from "./card.js";
import { Spark } from "./chart.js";
import { count, many, percent } from "./format.js";
import { to, useAnswer } from "./hooks.js";
import { VirtualList } from "./list.js";
import { sumOf } from "../../util/statistics/sums.js";

export interface MistakesProps {
  readonly run: string;
  readonly id: string | undefined;
  readonly version: unknown;
  readonly series: Series;
}

export function Mistakes({ run, id, version }: MistakesProps) {
  const map = useAnswer<MistakeMap>(runPath(run, "map"), version);
  const [signature, setSignature] = useState("");
  const [status, setStatus] = useState("");
  const [source, setSource] = useState("");
  const [sort, setSort] = useState("often");
  const [text, setText] = useState("");
  const [selected, setSelected] = useState(0);
  const [total, setTotal] = useState(0);
  if (map.data === undefined) return <p class="muted">{map.error ?? "reading the mistakes…"}</p>;
  const { entries, statuses, sources } = map.data;
  if (entries.length === 0)
    return (
      <p class="empty">
        No mistakes are kept yet. They come with the first steps, from the student and from weak
        partners.
      </p>
    );
  const change =
    (set: (value: string) => void) =>
    (e: { readonly currentTarget: { readonly value: string } }) => {
      set(e.currentTarget.value);
      setSelected(0);
    };
  const show = (row: MistakeSummary): void => {
    location.hash = to("run", run, "mistakes", String(row.id));
  };
  return (
    <>
      <p class="headline">{sentence(map.data)}</p>
      <ul class="kinds">
        {entries.map((entry) => (
          <Kind
            key={entry.signature}
            entry={entry}
            chosen={signature === entry.signature}
            choose={() => (
              setSignature(signature === entry.signature ? "" : entry.signature),
              setSelected(0)
            )}
          />
        ))}
      </ul>
      <div class={id === undefined ? "split" : "split open"}>
        <section class="side" aria-label="Mistakes">
          <div class="filters">
            <Choice label="status" value={status} options={statuses} onChange={change(setStatus)} />
            <Choice label="made by" value={source} options={sources} onChange={change(setSource)} />
            <label>
              order{" "}
              <select value={sort} onChange={change(setSort)}>
                <option value="often">seen most</option>
                <option value="new">newest</option>
                <option value="met">met again most</option>
                <option value="quality">quality</option>
              </select>
            </label>
            <input
              type="search"
              placeholder="find"
              aria-label="Find in tasks and steps"
              value={text}
              onInput={change(setText)}
            />
            <span class="muted">{count(total)}</span>
          </div>
          <VirtualList<MistakeSummary>
            label="Mistakes"
            path={(offset, limit) =>
              runPath(run, "mistakes", { signature, status, source, sort, text, offset, limit })
            }
            version={version}
            rowHeight={52}
            selected={selected}
            onSelect={(i, row) => {
              setSelected(i);
              if (row !== undefined && matchMedia("(min-width: 60rem)").matches) show(row);
            }}
            onOpen={show}
            onTotal={setTotal}
            empty="No mistake fits."
            render={(row) => <MistakeRow row={row} />}
          />
        </section>
        <section class="detail" aria-label="Mistake">
          {id === undefined ? (
            <p class="empty">Choose a mistake to see the attempts behind it.</p>
          ) : (
            <Mistake run={run} id={id} version={version} />
          )}
        </section>
      </div>
    </>
  );
}

function sentence({ entries, statuses }: MistakeMap): string {
  const named = entries.filter(({ signature }) => signature !== "unrecognised");
  const all = sumOf(Object.values(statuses));
  const [most] = named;
  const retired = statuses["retired"] ?? 0;
  const held = statuses["quarantined"] ?? 0;
  return [
    `${many(all, "mistake")} of ${many(named.length, "known kind")}`,
    most === undefined
      ? ""
      : `; the commonest is ${most.signature}, seen ${count(most.support)} times`,
    retired > 0 ? `; ${count(retired)} outgrown` : "",
    held > 0 ? `; ${count(held)} held back` : "",
    ".",
  ].join("");
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly options: Readonly<Record<string, number>>;
  readonly onChange: (e: { readonly currentTarget: { readonly value: string } }) => void;
}) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={onChange}>
        <option value="">any</option>
        {Object.entries(options).map(([name, n]) => (
          <option key={name} value={name}>
            {name} ({count(n)})
          </option>
        ))}
      </select>
    </label>
  );
}

function Kind({
  entry,
  chosen,
  choose,
}: {
  readonly entry: MapEntry;
  readonly chosen: boolean;
  readonly choose: () => void;
}) {
  const { signature, mistakes, support, bySource, retired, quarantined, judged, example, share } =
    entry;
  const known = share.filter((value): value is number => value !== null);
  const quarter = Math.max(1, Math.floor(known.length / 4));
  const mean = (values: readonly number[]): number => sumOf(values) / Math.max(1, values.length);
  const [start, end] = [mean(known.slice(0, quarter)), mean(known.slice(-quarter))];
  return (
    <li>
      <button class={chosen ? "kind chosen" : "kind"} onClick={choose} aria-pressed={chosen}>
        <b>{signature}</b>
        <span>
          {many(mistakes, "mistake")}, seen {many(support, "time")}
        </span>
        <span class="muted">
          by{" "}
          {Object.entries(bySource)
            .slice(0, 3)
            .map(([name, n]) => `${name.replace(/^weak:/, "")} ${count(n)}`)
            .join(", ")}
        </span>
        <span class="tags">
          {retired > 0 && <em class="tag good">{count(retired)} outgrown</em>}
          {quarantined > 0 && <em class="tag bad">{count(quarantined)} held back</em>}
          {judged > 0 && <em class="tag">{count(judged)} judged</em>}
        </span>
        {known.length > 1 && (
          <span class="kind-course">
            <Spark
              values={share}
              label={`share of the student's own attempts that make it, from ${percent(start)} to ${percent(end)}`}
            />
            <span class="muted">
              student: {percent(start, 1)} → {percent(end, 1)}
            </span>
          </span>
        )}
        {example !== null && (
          <span class="example">
            <s>{example.wrongStep}</s>{" "}
            {example.correctStep !== null && <ins>{example.correctStep}</ins>}
          </span>
        )}
      </button>
    </li>
  );
}

function MistakeRow({ row }: { readonly row: MistakeSummary }) {
  const { wrongStep, correctStep, task, signature, support, status, source } = row;
  return (
    <>
      <span class="row-main">
        <s>{wrongStep}</s> {correctStep !== null && <ins>{correctStep}</ins>}{" "}
        <span class="muted">in {task}</span>
      </span>
      <span class="row-more">
        {signature} · seen {count(support)} · {source.replace(/^weak:/, "")}
        {status !== "accepted" && (
          <em class={status === "retired" || status === "human-valid" ? "tag good" : "tag bad"}>
            {status}
          </em>
        )}
      </span>
    </>
  );
}

function Mistake({
  run,
  id,
  version,
}: {
  readonly run: string;
  readonly id: string;
  readonly version: unknown;
}) {
  const { data, error } = useAnswer<MistakeCard | null>(runPath(run, `mistakes/${id}`), version);
  if (error !== undefined) return <p class="notice bad">{error}</p>;
  if (data === undefined || data === null) return <p class="muted">reading the mistake…</p>;
  return (
    <>
      <a class="back" href={to("run", run, "mistakes")}>
        ← all mistakes
      </a>
      <MistakeBody card={data} />
    </>
  );
}

/** A mistake, what is known of it, and the attempts it was seen in. */
export function MistakeBody({ card }: { readonly card: MistakeCard }) {
  const {
    id,
    signature,
    task,
    wrongStep,
    correctStep,
    sources,
    evidence,
    confidence,
    status,
    suspected,
    attempts,
    verdicts,
    exposures,
  } = card;
  const [shown, ...others] = attempts;
  return (
    <>
      <h2 class="task">
        {signature} <span class="muted">mistake {id}</span>
      </h2>
      <p class="asked">{task}</p>
      <p class="steps-side">
        <span>
          did <s>{wrongStep}</s>
        </span>
        {correctStep !== null && (
          <span>
            right here <ins>{correctStep}</ins>
          </span>
        )}
      </p>
      {shown !== undefined && (
        <>
          <CardView card={shown.card} />
          <p class="outcome">{shown.card.outcome}</p>
        </>
      )}
      <p class="muted">
        Seen by{" "}
        {Object.entries(sources)
          .map(([name, n]) => `${name.replace(/^weak:/, "")} ${count(n)} times`)
          .join(", ")}
        . Label by {evidence}, {percent(confidence)} sure. Met again {count(exposures)} times.
        Status: {status}
        {suspected && "; many models agree on this answer, it may be right"}.
      </p>
      {verdicts.length > 0 && (
        <p>
          Judged:{" "}
          {verdicts
            .map(
              ({ by, verdict, note }) =>
                `${by} says ${verdict}${note === undefined ? "" : ` (${note})`}`,
            )
            .join("; ")}
        </p>
      )}
      {others.length > 0 && (
        <details>
          <summary>{many(others.length, "more attempt")} that end in it</summary>
          {others.map((attempt, i) => (
            <div key={i}>
              <p class="muted">
                {attempt.by.replace(/^weak:/, "")}, {many(attempt.count, "time")}
              </p>
              <CardView card={attempt.card} />
            </div>
          ))}
        </details>
      )}
    </>
  );
}
