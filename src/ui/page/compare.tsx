/** Several runs side by side. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Series } from "../api.js";
import { get, runPath } from "./api.js";
import { Curves, headline, type Named } from "./curves.js";
import { to } from "./hooks.js";

/** Between two looks, in milliseconds. */
const every = 4000;

export function Compare({ names }: { readonly names: readonly string[] }) {
  const [found, setFound] = useState<ReadonlyMap<string, Series>>(new Map());
  const [missing, setMissing] = useState<readonly string[]>([]);
  const key = names.join();
  useEffect(() => {
    let stopped = false;
    const load = async (): Promise<void> => {
      const lost: string[] = [];
      const next = new Map<string, Series>();
      await Promise.all(
        names.map(async (name) => {
          try {
            next.set(name, await get<Series>(runPath(name, "series", { from: 0 })));
          } catch {
            lost.push(name);
          }
        }),
      );
      if (stopped) return;
      setFound(next);
      setMissing(lost);
      if ([...next.values()].some(({ state }) => state === "training"))
        timer = setTimeout(load, every);
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    void load();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key]);
  const runs = useMemo(
    () =>
      names.flatMap((name): Named[] =>
        found.has(name) ? [{ name, series: found.get(name)! }] : [],
      ),
    [found, key],
  );
  if (runs.length === 0 && missing.length === 0) return <p class="muted">reading the runs…</p>;
  return (
    <>
      <h1>{names.length} runs side by side</h1>
      <ul class="plain">
        {runs.map(({ name, series }, i) => (
          <li key={name} class={`c${i % 8}`}>
            <i class="key" aria-hidden="true" /> <a href={to("run", name, "curves")}>{name}</a>:{" "}
            {headline(series)}
          </li>
        ))}
      </ul>
      {missing.length > 0 && <p class="notice bad">not found: {missing.join(", ")}</p>}
      <Curves runs={runs} />
    </>
  );
}
