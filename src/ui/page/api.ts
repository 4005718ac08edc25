/** Asking the server. */
import type { Change, Refusal } from "../api.js";

const tokenKey = "errata-token";

/** Takes the token out of the address, where it need not stay. */
export function takeToken(): void {
  const match = /^#token=([\w-]+)$/.exec(location.hash);
  if (match === null) return;
  sessionStorage.setItem(tokenKey, match[1]!);
  history.replaceState(null, "", "#/");
}

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const refusal = (await response.json().catch(() => undefined)) as Refusal | undefined;
  throw new Error(refusal?.error.message ?? `the server answered ${response.status}`);
}

/** Reads one answer. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answer<T>(await fetch(path, { headers: headers(), ...(signal ? { signal } : {}) }));
}

/** Sends one change. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  return answer<T>(
    await fetch(path, {
      method: "POST",
      headers: { ...headers(), "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

/** The path of a question about a run. */
export function runPath(
  run: string,
  rest: string,
  query: Record<string, string | number> = {},
): string {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([key, value]) => [key, String(value)]),
  ).toString();
  const suffix = parameters === "" ? "" : `?${parameters}`;
  return `/api/runs/${encodeURIComponent(run)}/${rest}${suffix}`;
}

/** Between two tries to connect again, in milliseconds. */
const again = 2000;

/** Calls `onChange` whenever the run's files change, until `signal` aborts; connects again by itself. */
export async function watchRun(
  run: string,
  signal: AbortSignal,
  onChange: (change: Change) => void,
  onConnected: (connected: boolean) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(runPath(run, "events"), { headers: headers(), signal });
      if (!response.ok || response.body === null) throw new Error(String(response.status));
      onConnected(true);
      await readEvents(response.body, (event, data) => {
        if (event === "change") onChange(JSON.parse(data) as Change);
      });
    } catch {
      // said below
    }
    if (signal.aborted) return;
    onConnected(false);
    await new Promise((resolve) => setTimeout(resolve, again));
  }
}

/** Reads server-sent events: blocks of `event:` and `data:` lines, ended by an empty one. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  take: (event: string, data: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split("\n")
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
          .join("\n");
      take(field("event"), field("data"));
    }
  }
}
