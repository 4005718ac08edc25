/** A process that runs commands of the built package, one after another: {@link Commands} starts and ends it. */
import process from "node:process";
import { existsSync } from "node:fs";

const dist = (path) => new URL(`../../dist/${path}`, import.meta.url).href;
const { main } = await import(dist("cli/main.js"));

/**
 * What people do that is no command with an end: `@ui` reads all of a run, `@serve` loads and answers. `@config` reads
 * a configuration, as every command that takes one.
 */
const others = {
  async "@config"([file]) {
    const { resolveConfig } = await import(dist("cli/config-file.js"));
    return { status: 0, stdout: JSON.stringify(await resolveConfig({ file })), stderr: "" };
  },
  async "@ui"([folder]) {
    const { createApp } = await import(dist("ui/server/app.js"));
    const app = createApp({
      host: "127.0.0.1",
      port: () => 80,
      token: "none",
      runs: () => new Map(existsSync(folder) ? [["hit", folder]] : []),
      root: process.cwd(),
      assets: new Map(),
    });
    const answers = {};
    try {
      for (const path of [
        "",
        "/hit/series",
        "/hit/groups/3/0",
        "/hit/mistakes",
        "/hit/mistakes/1",
        "/hit/map",
        "/hit/cost",
        "/hit/log",
        "/hit/reviews",
      ]) {
        const response = await app.request(`http://127.0.0.1/api/runs${path}`, {
          headers: { host: "127.0.0.1" },
        });
        const body = await response.json();
        if (response.status !== 200) {
          const { code, message } = body.error;
          if (code !== "UI_UNKNOWN") return failed(code, `${path}: ${message}`);
        }
        answers[path] = body;
      }
    } finally {
      app.close();
    }
    return { status: 0, stdout: JSON.stringify(answers), stderr: "" };
  },
  async "@serve"([where]) {
    const [{ openModel }, { LocalEngine }, { openAiApp }] = await Promise.all([
      import(dist("cli/open-model.js")),
      import(dist("engine/local.js")),
      import(dist("serve/app.js")),
    ]);
    const taken = await openModel(where);
    const engine = new LocalEngine();
    const app = openAiApp({
      taken,
      host: "127.0.0.1",
      keys: [],
      decoder: engine.decoder(taken.policy, 1),
      maxPending: 4,
    });
    const response = await app.request("http://127.0.0.1/v1/completions", {
      method: "POST",
      headers: { host: "127.0.0.1", "content-type": "application/json" },
      body: JSON.stringify({ model: taken.name, prompt: [5, 6], max_tokens: 4, temperature: 0 }),
    });
    const { choices, error } = await response.json();
    await engine.close();
    return error === undefined
      ? { status: 0, stdout: JSON.stringify(choices), stderr: "" }
      : failed("INTERNAL", error.message);
  },
};

const failed = (code, message) => ({
  status: 1,
  stdout: "",
  stderr: `error: ${message}\nhint:  in the message\ncode:  ${code === "UI_FAILED" ? "INTERNAL" : code}\n`,
});

async function other(name, args) {
  try {
    return await others[name](args);
  } catch (error) {
    const code = error.name === "ErrataError" ? error.code : undefined;
    const text = `error: ${error.message}\nhint:  ${error.hint ?? ""}\n`;
    return {
      status: 1,
      stdout: "",
      stderr: code === undefined ? `${text}${error.stack}` : `${text}code:  ${code}\n`,
    };
  }
}

async function command(args) {
  const written = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"];
  const write = streams.map((name) => process[name].write.bind(process[name]));
  for (const name of streams)
    process[name].write = (text) => {
      written[name] += String(text);
      return true;
    };
  process.exitCode = 0;
  try {
    await main(args);
  } finally {
    for (const [i, name] of streams.entries()) process[name].write = write[i];
  }
  const status = process.exitCode ?? 0;
  process.exitCode = 0;
  return { status, ...written };
}

process.on("message", ({ folder, args, env }) => {
  process.chdir(folder);
  Object.assign(process.env, env);
  const [name, ...rest] = args;
  void (name.startsWith("@") ? other(name, rest) : command(args)).then((ended) =>
    process.send(ended),
  );
});
process.send("ready");
