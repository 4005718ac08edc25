/** The dashboard in a real browser; skipped where there is no Chromium. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { train } from "../loop/train.js";
import { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { cueSetup, regardless } from "../testing/testing.js";
import { readAssets } from "./server/assets.js";
import { startDashboard, type Dashboard } from "./server/listen.js";
import { makeRun } from "./testing.js";

const executable = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));
const built = new URL("../../dist/ui/page", import.meta.url).pathname;
const missing =
  executable === undefined
    ? "Chromium is not installed"
    : existsSync(join(built, "index.html"))
      ? undefined
      : "the page is not built: npm test builds it";
if (missing !== undefined) console.log(`the browser tests are skipped: ${missing}`);

/** Refits every second step. */
function liveSetup(): Setup {
  return cueSetup({
    student: regardless({ x: 0.85, y: 0.1, z: 0.05 }),
    partners: { "always-x": regardless({ x: 1 }) },
    config: {
      steps: 8,
      tasksPerStep: 4,
      pool: 24,
      evaluateEvery: 2,
      evaluationTasks: 8,
      saveEvery: 4,
      probe: { every: 4, tasks: 4, attempts: 2 },
      expert: { minimumTraces: 8, maximumTraces: 64, steps: 4, batch: 16, refitEvery: 2 },
      partners: { every: 2, warmUpTraces: 12 },
    },
  });
}

describe.skipIf(missing !== undefined)("the dashboard in a browser", () => {
  const root = mkdtempSync(join(tmpdir(), "errata-browser-"));
  const made = join(root, "made");
  const live = join(root, "live");
  const markup = "<img src=x onerror=window.ran=1><script>window.ran=1</script>";
  let dashboard: Dashboard;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    makeRun(made, { text: markup });
    dashboard = await startDashboard({
      port: 0,
      root,
      assets: readAssets(built),
      runs: () =>
        new Map(
          existsSync(join(live, "metrics.jsonl"))
            ? [
                ["live", live],
                ["made", made],
              ]
            : [["made", made]],
        ),
    });
    browser = await chromium.launch({ executablePath: executable!, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(dashboard.url);
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    rmSync(root, { recursive: true, force: true });
  });
  const open = async (...parts: readonly string[]): Promise<void> => {
    await page.evaluate(`location.hash = ${JSON.stringify(`#/${parts.join("/")}`)}`);
  };
  const shows = (text: string | RegExp): Promise<void> =>
    page.getByText(text).first().waitFor({ timeout: 60_000 });

  it("takes the token out of the address and lists the runs", async () => {
    await shows("made");
    expect(page.url()).not.toContain("token");
    await page.getByRole("link", { name: "made" }).click();
    await shows(
      "Held-out accuracy went from 0% to 90% in 6 steps; 6 of 12 stuck groups got a right attempt.",
    );
  });

  it("shows a group side by side, found by keyboard, and what a model wrote stays text", async () => {
    await page.keyboard.press("2");
    const list = page.getByRole("listbox", { name: "Groups, newest first" });
    await list.getByRole("option").first().waitFor();
    await list.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("k");
    await shows(
      /Step 5, level long: 1 of 4 right\. The first 2 were all wrong, so 2 more attempts were sampled away from always-x: rescued\./,
    );
    expect(await page.locator(".attempt").count()).toBe(4 - 1); // the first two are equal: shown once
    await shows("steered away from always-x");
    expect(await page.locator(".code-line.wrong").first().innerText()).toContain(markup);
    expect(await page.evaluate('"ran" in window')).toBe(false);
    expect(await page.locator(".detail img, .detail script").count()).toBe(0);
  });

  it("draws a curve that grows while the run trains, and shows a verdict being taken by it", async () => {
    const run = await Run.create(live, liveSetup());
    const stop = new AbortController();
    const reached = (step: number): Promise<void> =>
      new Promise((resolve) => {
        run.onLine = (line) => {
          if ("rollout/accuracy" in line && line.step === step) {
            stop.abort();
            resolve();
          }
        };
      });
    // Three steps, a verdict from the page, and the rest: the refit at step 4 takes it.
    const third = reached(2);
    const first = train(run, liveSetup(), stop.signal);
    await third;
    await first;
    await open("run", "live", "curves");
    await shows("step 3 of 8");
    await open("run", "live", "review");
    await page.getByLabel("Your name").fill("ada");
    await page.getByRole("button", { name: "Begin" }).click();
    await shows("What a verdict will change");
    const before = await page.locator("h2.task").innerText();
    await page.keyboard.press("n");
    await shows(/Mistake \d+: not an error\./);
    await shows("1 verdict waits for the refit at step 4; the run is at step 3.");
    await expect.poll(() => page.locator("h2.task").innerText()).not.toBe(before);
    run.onLine = undefined;
    await train(run, liveSetup());
    run.close();
    await shows("step 4: 1 verdict taken");
    await shows("Every verdict is in the run.");
    const judged = Number(/mistake (\d+)/.exec(before)![1]);
    await open("run", "live", "mistakes", String(judged));
    await shows(/Judged: ada says invalid/);
    await open("run", "live", "curves");
    await shows("step 8 of 8");
    await shows(/1 verdicts taken/);
  });

  it("undoes, and lets a second reviewer judge the same", async () => {
    await open("run", "made", "review");
    await shows("What a verdict will change");
    await page.keyboard.press("v");
    await shows(/Mistake \d+: valid\./);
    await page.keyboard.press("u");
    await shows(/Mistake \d+: taken back\./);
    await shows("5 waiting");
  });

  it("compares runs in the same charts", async () => {
    await open("compare", "made,live");
    await shows("2 runs side by side");
    await page.locator(".chart canvas").first().waitFor();
    expect(await page.locator(".chart").first().locator(".value").count()).toBe(2);
  });

  it("fits 400 pixels, by every view", async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    for (const view of [
      "curves",
      "groups",
      "groups/5/0",
      "mistakes",
      "mistakes/1",
      "review",
      "cost",
      "log",
    ]) {
      await open("run", "made", ...view.split("/"));
      await page.waitForTimeout(300);
      const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect([view, Math.max(0, over)]).toEqual([view, 0]);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("can look but not judge without the token", async () => {
    const other = await browser.newPage();
    await other.goto(dashboard.origin);
    await other.evaluate('localStorage.setItem("errata-reviewer", "eve")');
    await other.goto(`${dashboard.origin}/#/run/made/review`);
    await other.getByText("You can look, not judge").waitFor();
    expect(await other.getByRole("button", { name: "v valid" }).isDisabled()).toBe(true);
    const status = await other.evaluate<number>(
      `fetch("/api/runs/made/reviews", {
        method: "POST", headers: { "content-type": "application/json" }, body: "{}",
      }).then((response) => response.status)`,
    );
    expect(status).toBe(401);
    await other.close();
  });

  it("drops a client that is slow to send its request", async () => {
    const { hostname, port } = new URL(dashboard.origin);
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(Number(port), hostname, () => socket.write("GET / HTTP/1.1\r\n"));
      socket.on("data", (data) => (text += data.toString()));
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("met with no error on the way", () => {
    expect(errors.filter((error) => !error.includes("401"))).toEqual([]);
  });
});
