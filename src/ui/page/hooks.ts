/** State that comes from the server or from the address. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Change, Series } from "../api.js";
import { get, runPath, watchRun } from "./api.js";

/** Where the page is: the parts of the address behind `#/`. */
export function useRoute(): readonly string[] {
  const read = (): string[] =>
    location.hash
      .replace(/^#\/?/, "")
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = (): void => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

/** The address of a place in the page. */
export function to(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** An answer, kept while the next one is on its way. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** Reads `path` now and whenever it or `version` changes. */
export function useAnswer<T>(path: string | undefined, version: unknown = 0): Loaded<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: string }>({});
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    get<T>(path, abort.signal).then(
      (data) => setState({ path, data }),
      (error: Error) => {
        if (!abort.signal.aborted)
          setState((before) => ({
            path,
            ...(before.path === path && before.data !== undefined ? { data: before.data } : {}),
            error: error.message,
          }));
      },
    );
    return () => abort.abort();
  }, [path, version, asked]);
  const reload = useCallback(() => setAsked((n) => n + 1), []);
  return { data: state.data, error: state.error, reload };
}

/** A run's files as the server last saw them, and whether it is still there. */
export function useChange(run: string): {
  readonly change: Change | undefined;
  readonly connected: boolean;
} {
  const [change, setChange] = useState<Change>();
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    setChange(undefined);
    const abort = new AbortController();
    void watchRun(run, abort.signal, setChange, setConnected);
    return () => abort.abort();
  }, [run]);
  return { change, connected };
}

/** The series of a run, extended by what is new whenever `version` changes. */
export function useSeries(run: string, version: unknown): Loaded<Series> {
  const [series, setSeries] = useState<Series>();
  const [error, setError] = useState<string>();
  const known = useRef<{ run: string; series: Series } | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    const before = known.current?.run === run ? known.current.series : undefined;
    const from = before === undefined ? 0 : before.from + before.steps.length;
    get<Series>(runPath(run, "series", { from }), abort.signal).then(
      (next) => {
        const whole = before === undefined || next.from !== from ? next : joined(before, next);
        known.current = { run, series: whole };
        setSeries(whole);
        setError(undefined);
      },
      (cause: Error) => {
        if (!abort.signal.aborted) setError(cause.message);
      },
    );
    return () => abort.abort();
  }, [run, version]);
  return { data: known.current?.run === run ? series : undefined, error, reload: () => undefined };
}

type Columns = Series["columns"];

function joined(before: Series, next: Series): Series {
  return {
    ...next,
    from: before.from,
    steps: [...before.steps, ...next.steps],
    columns: joinedColumns(before.columns, next.columns, before.steps.length, next.steps.length),
    repeated: joinedColumns(before.repeated, next.repeated, before.steps.length, next.steps.length),
  };
}

function joinedColumns(before: Columns, next: Columns, old: number, fresh: number): Columns {
  const nothing = (length: number): null[] => new Array<null>(length).fill(null);
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(next)])].map((key) => [
      key,
      [...(before[key] ?? nothing(old)), ...(next[key] ?? nothing(fresh))],
    ]),
  );
}

/** Calls `act` with each key pressed outside text fields, without modifiers. */
export function useKeys(act: (key: string) => boolean | void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target as HTMLElement;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) {
        if (event.key === "Escape") at.blur();
        return;
      }
      if (latest.current(event.key) === true) event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
