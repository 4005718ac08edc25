/** A long list of which only what is seen exists, fetched page by page. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";

/** Rows of a request. */
const page = 100;
/** Rows kept above and below what is seen. */
const spare = 12;

export interface ListProps<T> {
  readonly label: string;
  /** The request without offset and limit; another one is another list. */
  readonly path: (offset: number, limit: number) => string;
  /** Asked again when it changes; the rows stay meanwhile. */
  readonly version?: unknown;
  readonly rowHeight: number;
  readonly render: (row: T, index: number) => ComponentChildren;
  readonly selected: number;
  readonly onSelect: (index: number, row: T | undefined) => void;
  readonly onOpen?: (row: T) => void;
  readonly onTotal?: (total: number, complete: boolean) => void;
  readonly empty: ComponentChildren;
}

interface Page<T> {
  readonly total: number;
  readonly rows: readonly T[];
  readonly complete?: boolean;
}

export function VirtualList<T>(props: ListProps<T>) {
  const { label, path, version, rowHeight, render, selected, onSelect, onOpen, onTotal, empty } =
    props;
  const box = useRef<HTMLDivElement>(null);
  const pages = useRef(new Map<number, readonly T[]>());
  const asked = useRef(new Map<number, unknown>());
  const [total, setTotal] = useState<number>();
  const [view, setView] = useState({ top: 0, height: 600 });
  const [, redraw] = useState(0);
  const key = path(0, page);

  const load = useCallback(
    async (number: number, again: number): Promise<void> => {
      try {
        const answer = await get<Page<T>>(path(number * page, page));
        if (keyOf.current !== key) return;
        pages.current.set(number, answer.rows);
        setTotal(answer.total);
        onTotal?.(answer.total, answer.complete !== false);
        redraw((n) => n + 1);
        // Files are still being read: what belongs here may change.
        if (answer.complete === false && again > 0)
          setTimeout(() => void load(number, again - 1), 400);
      } catch {
        asked.current.delete(number);
      }
    },
    [key],
  );
  const keyOf = useRef(key);
  if (keyOf.current !== key) {
    keyOf.current = key;
    pages.current = new Map();
    asked.current = new Map();
  }

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  useEffect(() => {
    if (box.current !== null) box.current.scrollTop = 0;
  }, [key]);

  const known = total ?? 0;
  const first = Math.max(0, Math.floor(view.top / rowHeight) - spare);
  const last = Math.min(known, Math.ceil((view.top + view.height) / rowHeight) + spare);
  const stamp = `${key} ${String(version)}`;
  useEffect(() => {
    const from = Math.floor(first / page);
    const until = Math.max(from, Math.floor(Math.max(0, last - 1) / page));
    for (let number = from; number <= until; number++)
      if (asked.current.get(number) !== stamp) {
        asked.current.set(number, stamp);
        void load(number, 50);
      }
  }, [first, last, stamp]);

  const rowAt = (index: number): T | undefined =>
    pages.current.get(Math.floor(index / page))?.[index % page];
  const select = (index: number): void => {
    const next = Math.min(known - 1, Math.max(0, index));
    if (next < 0) return;
    const element = box.current!;
    const top = next * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
    onSelect(next, rowAt(next));
  };
  const pressed = (event: KeyboardEvent): void => {
    const step = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: 10,
      PageUp: -10,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      select(step === Infinity ? known - 1 : step === -Infinity ? 0 : selected + step);
    } else if (event.key === "Enter") {
      const row = rowAt(selected);
      if (row !== undefined) onOpen?.(row);
    }
  };
  const rows = [];
  for (let index = first; index < last; index++) {
    const row = rowAt(index);
    rows.push(
      <div
        key={index}
        id={`row-${index}`}
        role="option"
        aria-selected={index === selected}
        aria-posinset={index + 1}
        aria-setsize={known}
        class={index === selected ? "row selected" : "row"}
        style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
        onClick={() => {
          onSelect(index, row);
          if (row !== undefined) onOpen?.(row);
        }}
      >
        {row === undefined ? <span class="muted">…</span> : render(row, index)}
      </div>,
    );
  }
  return (
    <div
      ref={box}
      class="list"
      role="listbox"
      aria-label={label}
      aria-activedescendant={known > 0 ? `row-${selected}` : undefined}
      tabIndex={0}
      onKeyDown={pressed}
    >
      {total === 0 ? (
        <div class="empty">{empty}</div>
      ) : (
        <div class="list-space" style={{ height: `${known * rowHeight}px` }}>
          {rows}
        </div>
      )}
    </div>
  );
}
