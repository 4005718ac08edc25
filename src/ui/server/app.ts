/** The routes: what the page asks, answered from runs' folders. Nothing in a request names a file. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { reviewVerdicts } from "../../mistakes/corpus/standing.js";
import { ErrataError } from "../../util/error.js";
import { issuesOf } from "../../util/issues.js";
import { fileFault } from "../../util/file-fault.js";
import { groupFilters, type RunList, type StudySummary } from "../api.js";
import type { Assets } from "./assets.js";
import { mayWatch, watch } from "./events.js";
import {
  guard,
  headers,
  isToken,
  keyOf,
  limitBody,
  refuse,
  reportPolicy,
  type GuardOptions,
} from "./guard.js";
import { mistakeCard, mistakeOrders, mistakePage, withCorpus } from "./mistakes.js";
import { RunReader } from "./run-reader.js";
import { listStudies, studyPage } from "./studies.js";

/** What a server shows. */
export interface AppOptions extends GuardOptions {
  /** Runs by the names they are shown under, the latest first; asked anew each time. */
  readonly runs: () => ReadonlyMap<string, string>;
  /** The folder below which studies lie. */
  readonly root: string;
  readonly assets: Assets;
}

const count = (most: number, otherwise: number): z.ZodType<number> =>
  z.coerce.number().int().min(0).max(most).catch(otherwise);
const text = z.string().max(200).catch("");

const groupQuery = z.object({
  filter: z.enum(groupFilters).catch("all"),
  text,
  offset: count(Number.MAX_SAFE_INTEGER, 0),
  limit: count(500, 100),
});

const mistakeQuery = z.object({
  signature: text,
  status: text,
  source: text,
  text,
  sort: z.enum(mistakeOrders).catch("often"),
  offset: count(Number.MAX_SAFE_INTEGER, 0),
  limit: count(500, 100),
});

const name = z.string().trim().min(1).max(60);
const note = z.string().max(2000).optional();
const verdictBody = z.union([
  z.strictObject({
    mistake: z.number().int(),
    identity: z.string().max(64),
    by: name,
    verdict: z.enum(reviewVerdicts),
    note,
    fix: note,
  }),
  z.strictObject({
    mistake: z.number().int(),
    identity: z.string().max(64),
    by: name,
    undo: z.literal(true),
  }),
]);

/** The application and how to let go of what it holds. */
export interface App {
  readonly fetch: Hono["fetch"];
  readonly request: Hono["request"];
  close(): void;
}

/** Builds the application. */
export function createApp(options: AppOptions): App {
  const readers = new Map<string, RunReader>();
  const reader = (name: string): RunReader | undefined => {
    const folder = options.runs().get(name);
    if (folder === undefined) return undefined;
    let found = readers.get(name);
    if (found === undefined || found.folder !== folder)
      readers.set(name, (found = new RunReader(name, folder)));
    return found;
  };
  const app = new Hono();
  app.use(headers);
  app.use(guard(options));
  app.use(limitBody);
  app.onError((error, context) => {
    const known = error instanceof ErrataError ? error : fileFault(error);
    if (known === undefined) return refuse(context, 400, "UI_FAILED", error.message);
    const { code, message, hint } = known;
    return refuse(context, 409, code, hint === undefined ? message : `${message}: ${hint}`);
  });
  app.notFound((context) => refuse(context, 404, "UI_UNKNOWN", "there is nothing here"));

  app.get("/api/runs", (context) => {
    const runs = [...options.runs().keys()].flatMap((name) => reader(name)?.summary() ?? []);
    const mayWrite = isToken(context.req.header("authorization"), options.token);
    const studies = listStudies(options.root).map(({ name, page, title }): StudySummary => {
      const path = `/api/studies/${encodeURIComponent(name)}`;
      return { name, title, page: page ? `${path}?key=${keyOf(options.token, path)}` : null };
    });
    return context.json({ runs, studies, mayWrite } satisfies RunList);
  });

  const ofRun =
    (answer: (run: RunReader, context: Context) => Response | Promise<Response>) =>
    (context: Context): Response | Promise<Response> => {
      const run = reader(context.req.param("run") ?? "");
      return run === undefined
        ? refuse(context, 404, "UI_UNKNOWN", "there is no such run")
        : answer(run, context);
    };

  app.get(
    "/api/runs/:run/series",
    ofRun((run, c) => c.json(run.metrics.series(number(c, "from")))),
  );
  app.get(
    "/api/runs/:run/events",
    ofRun((run, c) =>
      mayWatch() ? watch(c, run) : refuse(c, 503, "UI_BUSY", "too many pages are watching"),
    ),
  );
  app.get(
    "/api/runs/:run/groups",
    ofRun(async (run, c) => c.json(await run.groups.page(groupQuery.parse(c.req.query())))),
  );
  app.get(
    "/api/runs/:run/groups/:step{[0-9]+}/:index{[0-9]+}",
    ofRun(async (run, c) => {
      const group = await run.group(Number(c.req.param("step")), Number(c.req.param("index")));
      return group === undefined
        ? refuse(c, 404, "UI_UNKNOWN", "there is no such group, or its rollouts were not kept")
        : c.json(group);
    }),
  );
  app.get(
    "/api/runs/:run/mistakes",
    ofRun((run, c) =>
      c.json(
        withCorpus(run.folder, (database) =>
          mistakePage(database, mistakeQuery.parse(c.req.query())),
        ) ?? { total: 0, rows: [] },
      ),
    ),
  );
  app.get(
    "/api/runs/:run/mistakes/:id{[0-9]+}",
    ofRun((run, c) => {
      const id = Number(c.req.param("id"));
      return c.json(withCorpus(run.folder, (database) => mistakeCard(database, id)) ?? null);
    }),
  );
  app.get(
    "/api/runs/:run/map",
    ofRun(async (run, c) => c.json(await run.map())),
  );
  app.get(
    "/api/runs/:run/cost",
    ofRun((run, c) => c.json(run.cost())),
  );
  app.get(
    "/api/runs/:run/log",
    ofRun((run, c) => c.json(run.log())),
  );
  app.get(
    "/api/runs/:run/reviews",
    ofRun((run, c) => {
      const by = name.catch("reviewer").parse(c.req.query("by"));
      const skipped = (c.req.query("skip") ?? "").split(",").filter((id) => id !== "");
      return c.json(run.reviews.queue(by, new Set(skipped.map(Number))));
    }),
  );
  app.post(
    "/api/runs/:run/reviews",
    ofRun(async (run, c) => {
      const body = verdictBody.safeParse(await c.req.json().catch(() => undefined));
      if (!body.success)
        return refuse(c, 400, "UI_VERDICT", `this is no verdict: ${issuesOf(body.error)}`);
      return c.json(run.reviews.judge(defined(body.data)));
    }),
  );

  app.get("/api/studies/:study", (c) => {
    const page = studyPage(options.root, c.req.param("study"));
    if (page === undefined) return refuse(c, 404, "UI_UNKNOWN", "there is no such report");
    return c.html(page, 200, {
      "content-security-policy": reportPolicy,
      "x-frame-options": "SAMEORIGIN",
    });
  });

  app.get("*", (c) => {
    const asset = options.assets.get(c.req.path === "/" ? "/index.html" : c.req.path);
    if (asset === undefined) return refuse(c, 404, "UI_UNKNOWN", "there is nothing here");
    return c.body(asset.bytes, 200, { "content-type": asset.type });
  });

  return {
    fetch: app.fetch,
    request: app.request,
    close: () => {
      for (const run of readers.values()) run.close();
    },
  };
}

function number(context: Context, key: string): number {
  return count(Number.MAX_SAFE_INTEGER, 0).parse(context.req.query(key));
}

type Body = z.infer<typeof verdictBody>;
type Defined<T> = T extends unknown ? { [K in keyof T]: Exclude<T[K], undefined> } : never;

/** Without the keys that are there but undefined. */
function defined(body: Body): Defined<Body> {
  return Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined),
  ) as Defined<Body>;
}
