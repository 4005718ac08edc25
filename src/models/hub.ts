/** Downloads of checkpoints from the Hugging Face Hub, into a cache that other runs share. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HubApiError, listFiles, modelInfo, type ListFileEntry } from "@huggingface/hub";
import { weightFiles } from "../engine/files/pretrained.js";
import { cacheFolder } from "../util/cache-folder.js";
import { ErrataError } from "../util/error.js";
import { isHubId } from "./hub-id.js";
import { keepSecret } from "../util/secrets.js";
import { within } from "../util/within.js";
import { patientFetch } from "./patient-fetch.js";
import { downloadVerified, type HubLocation } from "./hub-download.js";

/** How far a download is, in bytes of one file. */
export interface HubProgress {
  readonly file: string;
  readonly received: number;
  readonly size: number;
}

export interface HubOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** Folder that keeps downloads. Default `ERRATA_CACHE`, else `cache` in the working directory. */
  readonly cache?: string;
  /** Access token. Default `HF_TOKEN`. Sent to the hub alone, and never written anywhere. */
  readonly token?: string;
  /** Address of the hub. Default `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string;
  /** Milliseconds without a byte after which a connection counts as broken. Default 60,000. */
  readonly silence?: number;
  /** Milliseconds that all of it may take, however slowly bytes come. Default 24 hours. */
  readonly limit?: number;
  readonly onProgress?: (progress: HubProgress) => void;
  /** Told where something was done differently than asked, such as an unreachable hub. */
  readonly onNotice?: (notice: string) => void;
}

/** A downloaded repository. */
export interface HubSnapshot {
  readonly folder: string;
  /** The commit that the revision stood for. */
  readonly commit: string;
}

/** Files that say what a checkpoint is; its weights come beside them. */
const described = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "adapter_config.json",
  "adapter_model.safetensors",
  "model.safetensors.index.json",
];
const marker = ".complete";
const day = 24 * 3600 * 1000;

/**
 * The checkpoint `id` (`owner/name`) as a folder: from the cache, or downloaded now. A download that
 * was cut off goes on where it stopped; every file is checked against the hub's hash of it. Where the
 * hub cannot be reached, what a revision last stood for is taken from the cache, with a notice.
 * @throws ErrataError `HUB_ID`, `HUB_ACCESS` (private, gated or missing), `HUB_NOT_FOUND`,
 * `HUB_WEIGHTS` (no safetensors), `HUB_CHECKSUM`, `HUB_CACHE` (no room), `HUB_UNREACHABLE`.
 */
export async function hubSnapshot(id: string, options: HubOptions = {}): Promise<HubSnapshot> {
  if (!isHubId(id))
    throw new ErrataError(`${JSON.stringify(id)} is not the id of a model`, {
      code: "HUB_ID",
      hint: "ids read owner/name, as in HuggingFaceTB/SmolLM2-135M-Instruct",
    });
  const { revision = "main", onNotice } = options;
  const cache = options.cache ?? cacheFolder();
  const root = join(cache, "hub", id.replace("/", "--"));
  const reference = join(root, "refs", encodeURIComponent(revision));
  const isCommit = /^[0-9a-f]{40}$/.test(revision);
  const cached = async (): Promise<HubSnapshot | undefined> => {
    const said = isCommit ? revision : await readFile(reference, "utf8").catch(() => "");
    const commit = said.trim();
    const folder = join(root, commit);
    const whole = /^[0-9a-f]{40}$/.test(commit) && existsSync(join(folder, marker));
    return whole ? { folder, commit } : undefined;
  };
  const known = await cached();
  if (known !== undefined && isCommit) return known;
  const token = keepSecret(options.token ?? process.env["HF_TOKEN"]);
  const hubUrl = (options.endpoint ?? process.env["HF_ENDPOINT"])?.replace(/\/+$/, "");
  const fetched = async (signal: AbortSignal): Promise<HubSnapshot> => {
    const common = {
      fetch: patientFetch(options.silence ?? 60_000, signal),
      ...(hubUrl ? { hubUrl } : {}),
      ...(token ? { accessToken: token } : {}),
    };
    const { sha } = await modelInfo({ ...common, name: id, revision, additionalFields: ["sha"] });
    const folder = join(root, sha);
    if (!existsSync(join(folder, marker))) {
      const location: HubLocation = { ...common, repo: { type: "model", name: id }, revision: sha };
      await fillFolder(id, folder, location, options);
    }
    await mkdir(join(root, "refs"), { recursive: true });
    await writeWhole(reference, `${sha}\n`);
    return { folder, commit: sha };
  };
  try {
    return await within(options.limit ?? day, fetched);
  } catch (cause) {
    const error = explained(cause, id, revision, token !== undefined);
    if (error.code === "HUB_UNREACHABLE" && known === undefined && existsSync(root))
      throw new ErrataError(
        `${error.message}; nor does the cache hold a whole copy: ${reference} names none with a ${marker}`,
        { code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }), cause },
      );
    if (error.code !== "HUB_UNREACHABLE" || known === undefined) throw error;
    onNotice?.(
      `the hub cannot be reached; ${id} is taken from the cache, at commit ${known.commit}`,
    );
    return known;
  }
}

async function fillFolder(
  id: string,
  folder: string,
  location: HubLocation,
  { onProgress }: HubOptions,
): Promise<void> {
  const files = new Map<string, ListFileEntry>();
  for await (const entry of listFiles(location))
    if (entry.type === "file") files.set(entry.path, entry);
  await mkdir(folder, { recursive: true });
  const get = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const entry = files.get(name);
      if (entry !== undefined)
        await downloadVerified(entry, join(folder, name), location, onProgress);
    }
  };
  // Where a repository holds both, the single file counts, as in transformers.
  const sharded = !files.has("model.safetensors") && files.has("model.safetensors.index.json");
  const adapterOnly = files.has("adapter_config.json") && !files.has("config.json");
  if (!sharded && !adapterOnly && !files.has("model.safetensors"))
    throw new ErrataError(
      `${id}: holds no safetensors, only ${[...files.keys()].slice(0, 12).join(", ") || "nothing"}`,
      {
        code: "HUB_WEIGHTS",
        hint: "choose a repository with model.safetensors, or convert it: model.save_pretrained(folder) in transformers",
      },
    );
  await get(described.filter((name) => sharded || name !== "model.safetensors.index.json"));
  if (!adapterOnly) await get(sharded ? await weightFiles(folder) : ["model.safetensors"]);
  await writeWhole(join(folder, marker), "");
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

/** What went wrong, in words a user can act on; no token in them. */
function explained(cause: unknown, id: string, revision: string, hasToken: boolean): ErrataError {
  if (cause instanceof ErrataError) return cause;
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  if (status === 401 || status === 403)
    return new ErrataError(
      `${id}: the hub refuses access (${status}): it is private, gated, or does not exist`,
      {
        code: "HUB_ACCESS",
        hint: hasToken
          ? `check the name, and that the account of HF_TOKEN was granted access to ${id}`
          : "check the name; for a private or gated model set HF_TOKEN to a token with access",
        cause,
      },
    );
  if (status === 404)
    return new ErrataError(`${id}: the hub has no such model, or no revision ${revision} of it`, {
      code: "HUB_NOT_FOUND",
      hint: hasToken
        ? "check the name and the revision"
        : "check the name and the revision; a private model also needs HF_TOKEN",
      cause,
    });
  if (cause instanceof TypeError && cause.message.includes("must start with 'hf_'"))
    return new ErrataError("the access token of the hub does not start with hf_", {
      code: "HUB_ACCESS",
      hint: "set HF_TOKEN to a token from https://huggingface.co/settings/tokens, or unset it",
    });
  if (cause instanceof Error && "syscall" in cause && "path" in cause)
    return new ErrataError(`cannot keep ${id} in the cache: ${cause.message}`, {
      code: "HUB_CACHE",
      hint: "make room, or set ERRATA_CACHE to a folder that can be written",
      cause,
    });
  const reason = status === undefined ? reasonOf(cause) : `it answers ${status}`;
  return new ErrataError(`${id}: the hub cannot be reached: ${reason}`, {
    code: "HUB_UNREACHABLE",
    hint: "check the network and HF_ENDPOINT, or give the path of a folder that holds the checkpoint",
    cause,
  });
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}
