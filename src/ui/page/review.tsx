/** Judging mistakes, one after another, by keyboard. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Agreement, ReviewCard, ReviewQueue, RunState } from "../api.js";
import { post, runPath } from "./api.js";
import { count, many } from "./format.js";
import { useAnswer, useKeys } from "./hooks.js";
import { MistakeBody } from "./mistakes.js";

const verdicts = [
  { key: "v", verdict: "valid", text: "valid", about: "a real mistake" },
  { key: "n", verdict: "invalid", text: "not an error", about: "the step is right" },
  {
    key: "w",
    verdict: "wrong-step",
    text: "wrong step",
    about: "the attempt is wrong, but not here",
  },
  { key: "a", verdict: "ambiguous", text: "ambiguous", about: "cannot be told" },
] as const;

const nameKey = "errata-reviewer";

export interface ReviewProps {
  readonly run: string;
  readonly mayWrite: boolean;
  readonly version: string;
  readonly step: number;
  readonly state: RunState;
}

interface Judged {
  readonly mistake: number;
  readonly identity: string;
}

export function Review({ run, mayWrite, version, step, state }: ReviewProps) {
  const [by, setBy] = useState(() => localStorage.getItem(nameKey) ?? "");
  const [skipped, setSkipped] = useState<readonly number[]>([]);
  const [done, setDone] = useState<readonly Judged[]>([]);
  const [fixing, setFixing] = useState(false);
  const [fix, setFix] = useState("");
  const [note, setNote] = useState("");
  const [said, setSaid] = useState("");
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  const fixField = useRef<HTMLInputElement>(null);
  const path = by === "" ? undefined : runPath(run, "reviews", { by, skip: skipped.join(",") });
  const { data, error, reload } = useAnswer<ReviewQueue>(path, version);
  const card = data?.queue[0];
  useEffect(() => {
    if (fixing) fixField.current?.focus();
  }, [fixing]);

  const send = async (body: Record<string, unknown>, told: string): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setFailed("");
    try {
      await post(runPath(run, "reviews"), { by, ...body });
      setSaid(told);
      return true;
    } catch (cause) {
      setFailed((cause as Error).message);
      return false;
    } finally {
      setBusy(false);
      reload();
    }
  };
  const judge = async (verdict: string, text: string, right?: string): Promise<void> => {
    if (card === undefined || !mayWrite) return;
    const { id: mistake, identity } = card;
    const effect = card.effects.find((known) => known.verdict === verdict)?.text ?? "";
    const body = {
      mistake,
      identity,
      verdict,
      ...(note === "" ? {} : { note }),
      ...(right === undefined ? {} : { fix: right }),
    };
    if (await send(body, `Mistake ${mistake}: ${text}. ${effect}`)) {
      setDone((before) => [...before, { mistake, identity }]);
      setNote("");
      setFix("");
      setFixing(false);
    }
  };
  const undo = async (): Promise<void> => {
    const last = done.at(-1);
    if (last === undefined) return;
    if (await send({ ...last, undo: true }, `Mistake ${last.mistake}: taken back.`))
      setDone((before) => before.slice(0, -1));
  };
  useKeys((key) => {
    const known = verdicts.find((choice) => choice.key === key);
    if (known !== undefined) void judge(known.verdict, known.text);
    else if (key === "f") setFixing(true);
    else if (key === "s" && card !== undefined) setSkipped((before) => [...before, card.id]);
    else if (key === "u") void undo();
    else return false;
    return true;
  });

  if (by === "")
    return (
      <WhoAreYou run={run} onName={(name) => (localStorage.setItem(nameKey, name), setBy(name))} />
    );
  if (data === undefined) return <p class="muted">{error ?? "preparing the queue…"}</p>;
  return (
    <div class="review">
      <section>
        <p class="progress-line">
          <b>{count(data.reviewers[by] ?? 0)}</b> judged by you, {count(data.waiting)} waiting
          <progress
            max={Math.max(1, data.waiting + (data.reviewers[by] ?? 0))}
            value={data.reviewers[by] ?? 0}
            aria-label="Judged by you"
          />
        </p>
        {!mayWrite && (
          <p class="notice warn">
            You can look, not judge: open the address that <code>errata ui</code> printed, it
            carries the token.
          </p>
        )}
        {said !== "" && (
          <p class="notice good" role="status">
            {said}
          </p>
        )}
        {(failed !== "" || error !== undefined) && (
          <p class="notice bad" role="alert">
            {failed || error}
          </p>
        )}
        {card === undefined ? (
          <p class="empty">
            Nothing waits for a verdict of yours
            {skipped.length > 0 && (
              <>
                {" "}
                but what you skipped: <button onClick={() => setSkipped([])}>look again</button>
              </>
            )}
            .
          </p>
        ) : (
          <>
            <MistakeBody key={card.id} card={card} />
            {card.audit && (
              <p class="muted">
                One of the random 5% that measure how often the machine accepts rightly.
              </p>
            )}
            <div class="verdicts" role="group" aria-label="Verdict">
              {verdicts.map(({ key, verdict, text, about }) => (
                <button
                  key={key}
                  disabled={!mayWrite || busy}
                  onClick={() => void judge(verdict, text)}
                  title={about}
                >
                  <kbd>{key}</kbd> {text}
                </button>
              ))}
              <button
                disabled={!mayWrite}
                onClick={() => setFixing(true)}
                title="valid, and this is the right step"
              >
                <kbd>f</kbd> write the right step
              </button>
              <button onClick={() => setSkipped([...skipped, card.id])}>
                <kbd>s</kbd> skip
              </button>
              <button disabled={done.length === 0 || busy} onClick={() => void undo()}>
                <kbd>u</kbd> undo
              </button>
            </div>
            {fixing && (
              <form
                class="fix"
                onSubmit={(e) => (
                  e.preventDefault(),
                  fix.trim() !== "" && void judge("valid", "valid, with the right step", fix.trim())
                )}
              >
                <label>
                  The right step here{" "}
                  <input
                    ref={fixField}
                    value={fix}
                    maxLength={2000}
                    onInput={(e) => setFix(e.currentTarget.value)}
                  />
                </label>
                <button disabled={busy || fix.trim() === ""}>Valid, with this step</button>
                <button type="button" onClick={() => setFixing(false)}>
                  Cancel
                </button>
              </form>
            )}
            <details>
              <summary>Add a note</summary>
              <input
                class="note"
                aria-label="Note"
                value={note}
                maxLength={2000}
                onInput={(e) => setNote(e.currentTarget.value)}
                placeholder="why; goes with the verdict"
              />
            </details>
            <Effects card={card} />
          </>
        )}
      </section>
      <aside aria-label="How reviewing goes">
        <Waiting data={data} step={step} state={state} />
        <h3>Reviewers</h3>
        <ul class="plain">
          {Object.entries(data.reviewers).map(([name, n]) => (
            <li key={name}>
              {name === by ? `${name} (you)` : name}: {count(n)} judged
            </li>
          ))}
        </ul>
        <Agreements list={data.agreement} contested={data.contested} />
        <button
          class="quiet"
          onClick={() => (localStorage.removeItem(nameKey), setBy(""), setDone([]), setSkipped([]))}
        >
          Judge as somebody else
        </button>
      </aside>
    </div>
  );
}

function WhoAreYou({
  run,
  onName,
}: {
  readonly run: string;
  readonly onName: (name: string) => void;
}) {
  const [name, setName] = useState("");
  return (
    <form
      class="who-form"
      onSubmit={(e) => (e.preventDefault(), name.trim() !== "" && onName(name.trim()))}
    >
      <h2>Who judges?</h2>
      <p>
        Verdicts on the mistakes of {run} are kept under a name, so that two people can judge the
        same ones and their agreement be measured.
      </p>
      <label>
        Your name{" "}
        <input
          value={name}
          maxLength={60}
          onInput={(e) => setName(e.currentTarget.value)}
          autofocus
        />
      </label>
      <button disabled={name.trim() === ""}>Begin</button>
    </form>
  );
}

function Effects({ card }: { readonly card: ReviewCard }) {
  return (
    <>
      <h3>What a verdict will change</h3>
      <dl class="effects">
        {card.effects.map(({ verdict, text }) => (
          <div key={verdict}>
            <dt>{verdicts.find((known) => known.verdict === verdict)?.text ?? verdict}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Waiting({
  data,
  step,
  state,
}: {
  readonly data: ReviewQueue;
  readonly step: number;
  readonly state: RunState;
}) {
  const { pending, nextRefit, taken } = data;
  return (
    <>
      <h3>In the run</h3>
      <p>
        {pending === 0
          ? "Every verdict is in the run."
          : nextRefit === null
            ? `${many(pending, "verdict")} wait; the run has no refit left. Extend it to take them in.`
            : `${many(pending, "verdict")} ${pending === 1 ? "waits" : "wait"} for the refit at step ${nextRefit}; the run is at step ${step}${state === "training" ? "" : " and must be resumed"}.`}
      </p>
      {taken.length > 0 && (
        <ul class="plain taken">
          {taken
            .toReversed()
            .slice(0, 8)
            .map(({ step: at, verdicts: n }) => (
              <li key={at}>
                step {at}: {many(n, "verdict")} taken
              </li>
            ))}
        </ul>
      )}
    </>
  );
}

/** What a kappa means (Landis & Koch 1977). */
function kappaWord(kappa: number): string {
  if (kappa < 0) return "less than chance";
  const bands = ["slight", "fair", "moderate", "substantial", "almost perfect"];
  return bands[Math.min(4, Math.floor(kappa * 5))]!;
}

function Agreements({
  list,
  contested,
}: {
  readonly list: readonly Agreement[];
  readonly contested: number;
}) {
  if (list.length === 0)
    return (
      <p class="muted">Agreement is measured once two people have judged the same mistakes.</p>
    );
  return (
    <>
      <h3>Agreement</h3>
      <ul class="plain">
        {list.map(({ reviewers: [a, b], items, agree, kappa }) => (
          <li key={`${a} ${b}`}>
            {a} and {b}: the same on {agree} of {items}, Cohen’s kappa{" "}
            {kappa === null
              ? "not defined (one label only)"
              : `${kappa.toFixed(2)}, ${kappaWord(kappa)}`}
          </li>
        ))}
      </ul>
      {contested > 0 && <p class="muted">They differ on {many(contested, "mistake")}.</p>}
    </>
  );
}
