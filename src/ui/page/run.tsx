/** One run: its state, and a view of it. */
import { useMemo } from "preact/hooks";
import type { Series } from "../api.js";
import { CostView } from "./cost.js";
import { Curves, headline } from "./curves.js";
import { count } from "./format.js";
import { Groups } from "./groups.js";
import { to, useChange, useKeys, useSeries } from "./hooks.js";
import { Log } from "./log.js";
import { Mistakes } from "./mistakes.js";
import { Review } from "./review.js";

const tabs = ["curves", "groups", "mistakes", "review", "cost", "log"] as const;
type Tab = (typeof tabs)[number];

export interface RunProps {
  readonly name: string;
  readonly tab: string;
  readonly rest: readonly string[];
  readonly mayWrite: boolean;
}

export function Run({ name, tab, rest, mayWrite }: RunProps) {
  const { change, connected } = useChange(name);
  const { data: series, error } = useSeries(name, change?.metrics ?? 0);
  const current: Tab = tabs.find((known) => known === tab) ?? "curves";
  useKeys((key) => {
    const next = tabs[Number(key) - 1];
    if (next === undefined) return false;
    location.hash = to("run", name, next);
    return true;
  });
  const runs = useMemo(() => (series === undefined ? [] : [{ name, series }]), [name, series]);
  const state = change?.state ?? series?.state;
  return (
    <>
      <div class="head">
        <h1>{name}</h1>
        {state !== undefined && <span class={`state ${state}`}>{state}</span>}
        {series !== undefined && (
          <span class="muted">
            step {count(series.steps.length)} of {count(series.config.steps)}
          </span>
        )}
        {!connected && <span class="state lost">not connected</span>}
      </div>
      <nav class="tabs" aria-label="Views">
        {tabs.map((known, i) => (
          <a
            key={known}
            href={to("run", name, known)}
            aria-current={known === current ? "page" : undefined}
          >
            {known} <kbd>{i + 1}</kbd>
          </a>
        ))}
      </nav>
      {error !== undefined && <p class="notice bad">{error}</p>}
      {series === undefined ? (
        error === undefined && <p class="muted">reading the run…</p>
      ) : current === "curves" ? (
        <>
          <p class="headline">{headline(series)}</p>
          <Alarms series={series} />
          <Curves runs={runs} />
          <Happenings series={series} />
        </>
      ) : current === "groups" ? (
        <Groups run={name} at={rest} version={series.steps.length} config={series.config} />
      ) : current === "mistakes" ? (
        <Mistakes run={name} id={rest[0]} version={series.steps.length} series={series} />
      ) : current === "review" ? (
        <Review
          run={name}
          mayWrite={mayWrite}
          version={`${change?.arrivals} ${change?.reviews}`}
          step={series.steps.length}
          state={state ?? "stopped"}
        />
      ) : current === "cost" ? (
        <CostView run={name} version={series.steps.length} />
      ) : (
        <Log run={name} version={change?.log ?? 0} />
      )}
    </>
  );
}

const alarmWords: Readonly<Record<string, string>> = {
  entropyCollapse: "entropy collapsed, the student hardly varies its answers any more",
  lengthBlowUp: "attempts became much longer",
  verifierExploit: "accuracy rose while known mistakes did not fade: the verifier may be exploited",
  notFinite: "an update was not finite and was skipped",
};

function Alarms({ series }: { readonly series: Series }) {
  const alarms = new Map<string, number[]>();
  for (const { kind, text, step } of series.happenings)
    if (kind === "alarm") alarms.set(text, [...(alarms.get(text) ?? []), step]);
  if (alarms.size === 0) return null;
  return (
    <div class="notice warn" role="status">
      {[...alarms].map(([name, steps]) => (
        <p key={name}>
          <b>Alarm: {alarmWords[name] ?? name}</b>,{" "}
          {steps.length === 1
            ? `at step ${steps[0]}`
            : `${steps.length} times, last at step ${steps.at(-1)}`}
        </p>
      ))}
    </div>
  );
}

function Happenings({ series }: { readonly series: Series }) {
  const told = series.happenings.filter(({ kind, text }) => kind !== "alarm" && text !== "");
  if (told.length === 0) return null;
  return (
    <section>
      <h2>What happened</h2>
      <ol class="happenings">
        {told
          .toReversed()
          .slice(0, 50)
          .map(({ step, text }, i) => (
            <li key={i}>
              <span class="muted">step {step}</span> {text}
            </li>
          ))}
      </ol>
    </section>
  );
}
