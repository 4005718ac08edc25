/** Every client of a server that Errata has, with short patience. */
import type { IncomingMessage } from "node:http";
import { SandboxFusionRunner } from "../../src/environments/code/sandbox/sandbox-fusion.js";
import { KiminaVerifier } from "../../src/environments/lean/verifier.js";
import { hubSnapshot } from "../../src/models/hub.js";
import { remoteModel, type RemoteModel } from "../../src/models/remote.js";
import { RemotePartner } from "../../src/partners/remote.js";
import { MeteredUser } from "../../src/partners/simulated-user.js";
import { pushFolder } from "../../src/take/push.js";
import { Random } from "../../src/util/random.js";
import { Trackio } from "../../src/watch/trackers/trackio.js";

interface Place {
  readonly url: string;
  readonly key: string;
  /** Holds `config.json`. */
  readonly folder: string;
}

export interface Client {
  readonly name: string;
  /** Seconds after which it gives up by its own rules. */
  readonly within: number;
  /** A right answer to a request that comes before the one that goes wrong. */
  readonly before?: (request: IncomingMessage) => unknown;
  readonly ask: (place: Place) => Promise<unknown>;
}

const prompts = [{ observation: "What is 3 + 4?", context: [] }];
const limits = { calls: 100, tokens: 1e9, money: 1e9, price: 1 };
const sha = "a".repeat(40);
const entry = { type: "file", path: "config.json", size: 2, oid: "9".repeat(40) };

let count = 0;
function chat({ url, key }: Place): RemoteModel {
  const keyVariable = `CAMPAIGN_${count++}`;
  process.env[keyVariable] = key;
  try {
    const address = { url: `${url}/v1`, model: "m", keyVariable };
    return remoteModel(address, { timeout: 4, notice: () => undefined });
  } finally {
    delete process.env[keyVariable];
  }
}

/** What the hub answers before a file is asked for. */
function hubBefore({ url = "" }: IncomingMessage): unknown {
  if (url.includes("/tree/")) return [entry, { ...entry, path: "model.safetensors" }];
  if (url.includes("/revision/")) return { _id: "1", id: "a/b", modelId: "a/b", sha };
  return undefined;
}

const download = ({ url, key, folder }: Place): Promise<unknown> =>
  hubSnapshot("a/b", { endpoint: url, token: key, cache: `${folder}/cache`, silence: 2000 });

const push = ({ url, key, folder }: Place): Promise<unknown> =>
  pushFolder(folder, ["config.json"], {
    repository: "a/b",
    visibility: "private",
    token: key,
    endpoint: url,
    silence: 2000,
  });

export const CLIENTS: readonly Client[] = [
  { name: "teacher", within: 4, ask: (place) => chat(place).act(prompts) },
  {
    name: "partner",
    within: 4,
    ask: (place) => new RemotePartner(chat(place)).act(prompts, Random.from(0, "partner")),
  },
  {
    name: "user",
    within: 4,
    ask: async (place) => {
      const user = new MeteredUser(chat(place), { ...limits, degraded: [] } as never);
      const task = { user_scenario: { instructions: "You want a refund." } } as never;
      return user.reply(task, [{ role: "assistant", content: "What can I do?" }]);
    },
  },
  {
    name: "kimina",
    within: 3,
    ask: ({ url, key }) =>
      new KiminaVerifier({ url, apiKey: key, timeoutSeconds: 1, patienceSeconds: 2 }).verify(
        { name: "t", header: "", statement: "theorem t : True" },
        "trivial",
      ),
  },
  {
    name: "sandbox-fusion",
    within: 31,
    ask: ({ url }) =>
      new SandboxFusionRunner(url).run({
        source: "print(1)",
        stdin: "",
        limits: { milliseconds: 1000, memoryBytes: 2 ** 28, outputBytes: 2 ** 20 },
      } as never),
  },
  { name: "hub", within: 30, ask: download },
  { name: "hub file", within: 30, before: hubBefore, ask: download },
  { name: "hub push", within: 30, ask: push },
  {
    name: "hub push commit",
    within: 30,
    before: ({ url = "" }) =>
      url.endsWith("/repos/create")
        ? { url: "http://localhost/a/b" }
        : url.includes("/tree/")
          ? []
          : undefined,
    ask: push,
  },
  {
    name: "trackio",
    within: 4,
    ask: ({ url, key }) =>
      new Trackio({
        project: "p",
        run: "r",
        runId: "1",
        config: {},
        address: url,
        token: key,
      }).send([{ step: 1, scalars: { reward: 1 } }]),
  },
];
