/** Which view is shown: the list of runs, one run, several side by side, a study's report. */
import { useEffect, useState } from "preact/hooks";
import type { RunList } from "../api.js";
import { Compare } from "./compare.js";
import { Home } from "./home.js";
import { useAnswer, useKeys, useRoute } from "./hooks.js";
import { Run } from "./run.js";
import { Study } from "./study.js";

/** Between two looks at the list of runs, in milliseconds. */
const every = 5000;

export function App() {
  const route = useRoute();
  const [tick, setTick] = useState(0);
  const [help, setHelp] = useState(false);
  const list = useAnswer<RunList>("/api/runs", tick);
  useEffect(() => {
    const timer = setInterval(() => setTick((n) => n + 1), every);
    return () => clearInterval(timer);
  }, []);
  useKeys((key) => {
    if (key === "?") setHelp((shown) => !shown);
    else if (key === "Escape" && help) setHelp(false);
    else if (key === "h") location.hash = "#/";
    else return false;
    return true;
  });
  const [view, first = "", tab = "curves"] = route;
  const title = view === undefined ? "Errata" : `${first} – Errata`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <header class="bar">
        <a class="brand" href="#/">
          Errata
        </a>
        <nav aria-label="Where you are">
          {view === "run" && <span class="here">{first}</span>}
          {view === "compare" && <span class="here">{first.split(",").length} runs</span>}
          {view === "study" && <span class="here">{first}</span>}
        </nav>
        <button class="quiet" onClick={() => setHelp(!help)} aria-expanded={help}>
          <kbd>?</kbd> keys
        </button>
      </header>
      {help && <Keys />}
      {list.error !== undefined && (
        <p class="notice bad" role="alert">
          {list.error}. Is <code>errata ui</code> still running?
        </p>
      )}
      <main>
        {view === "run" ? (
          <Run
            key={first}
            name={first}
            tab={tab}
            rest={route.slice(3)}
            mayWrite={list.data?.mayWrite ?? false}
          />
        ) : view === "compare" ? (
          <Compare names={first.split(",")} />
        ) : view === "study" ? (
          <Study name={first} list={list.data} />
        ) : (
          <Home list={list.data} />
        )}
      </main>
    </>
  );
}

function Keys() {
  const keys: readonly [string, string][] = [
    ["h", "all runs"],
    ["1 … 6", "curves, groups, mistakes, review, cost, log"],
    ["j k, arrows", "next and previous row or group"],
    ["Enter", "open the row"],
    ["← →", "on a chart: read it step by step"],
    ["v n w a", "review: valid, not an error, wrong step, ambiguous"],
    ["f s u", "review: write the right step, skip, undo"],
    ["?", "this"],
  ];
  return (
    <dl class="keys">
      {keys.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
