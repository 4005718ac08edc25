/** All runs and studies. */
import { useState } from "preact/hooks";
import type { RunList, RunSummary } from "../api.js";
import { ago, count, magnitude, percent } from "./format.js";
import { to } from "./hooks.js";

export function Home({ list }: { readonly list: RunList | undefined }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState("");
  if (list === undefined) return <p class="muted">reading the runs…</p>;
  const { runs, studies } = list;
  const shown = runs.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  const toggle = (name: string): void => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  return (
    <>
      <div class="head">
        <h1>Runs</h1>
        {runs.length > 8 && (
          <input
            type="search"
            placeholder="find a run"
            aria-label="Find a run"
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
        )}
        {chosen.size > 1 ? (
          <a class="button" href={to("compare", [...chosen].join(","))}>
            Compare {chosen.size} runs
          </a>
        ) : (
          runs.length > 1 && <span class="muted">tick two or more to compare their curves</span>
        )}
      </div>
      {runs.length === 0 ? (
        <div class="empty">
          <p>No runs here yet. Start one in this folder, and it appears:</p>
          <pre>
            <code>errata train --preset code-entrenched --steps 40</code>
          </pre>
        </div>
      ) : (
        <ul class="runs">
          {shown.map((run) => (
            <RunRow key={run.name} run={run} chosen={chosen.has(run.name)} toggle={toggle} />
          ))}
        </ul>
      )}
      {studies.length > 0 && (
        <>
          <h2>Study reports</h2>
          <ul class="studies">
            {studies.map(({ name, title, page }) => (
              <li key={name}>
                {page !== null ? (
                  <a href={to("study", name)}>{title}</a>
                ) : (
                  <span class="muted">
                    {title}: errata report {name} writes its page
                  </span>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const states = { training: "training", finished: "finished", stopped: "stopped" } as const;

function RunRow({
  run,
  chosen,
  toggle,
}: {
  readonly run: RunSummary;
  readonly chosen: boolean;
  readonly toggle: (name: string) => void;
}) {
  const { name, state, step, steps, accuracy, mistakes, flops, changed } = run;
  return (
    <li class="run">
      <input
        type="checkbox"
        checked={chosen}
        onChange={() => toggle(name)}
        aria-label={`Compare ${name}`}
      />
      <a class="run-name" href={to("run", name, "curves")}>
        {name}
      </a>
      <span class={`state ${state}`}>{states[state]}</span>
      <span class="run-steps">
        step {count(step)} of {count(steps)}
        <progress max={Math.max(1, steps)} value={step} aria-label="Steps done" />
      </span>
      <span title="Held-out accuracy: first and last measured">
        accuracy{" "}
        <b>
          {percent(accuracy.first)} → {percent(accuracy.last)}
        </b>
      </span>
      <span>{count(mistakes)} mistakes</span>
      <span>{magnitude(flops)}FLOP</span>
      <span class="muted">{ago(changed)}</span>
    </li>
  );
}
