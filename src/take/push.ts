/** Uploads of exports to the Hugging Face Hub. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  createRepo,
  HubApiError,
  listFiles,
  uploadFiles,
  type ListFileEntry,
} from "@huggingface/hub";
import { patientFetch } from "../models/patient-fetch.js";
import { ErrataError } from "../util/error.js";
import { keepSecret } from "../util/secrets.js";
import type { Taken } from "./source.js";

export interface PushOptions {
  /** `owner/name`. */
  readonly repository: string;
  /** Of a repository that is made now; one that exists stays as it is. */
  readonly visibility: "private" | "public";
  /** Access token. Default `HF_TOKEN`. Sent to the hub alone. */
  readonly token?: string;
  /** Address of the hub. Default `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string;
  /** Milliseconds without an answer after which a request without a file counts as lost. Default 60,000. */
  readonly silence?: number;
  /** Told of every file before it is uploaded. */
  readonly onFile?: (name: string) => void;
}

/**
 * Refuses what its owner has marked private.
 * @throws ErrataError `EXPORT_PRIVATE`.
 */
export function requirePublishable({ name, run }: Taken): void {
  const marks =
    run === undefined
      ? []
      : (["teacher", "user"] as const).filter((who) => run.config[who].private);
  if (marks.length === 0) return;
  throw new ErrataError(
    `${name} is marked private (${marks.map((who) => `${who}.private`).join(", ")})`,
    {
      code: "EXPORT_PRIVATE",
      hint: "export it without --push; what leaves this machine is then your decision",
    },
  );
}

/**
 * Uploads `files` of `folder`, one commit a file and the card last, so that an upload that was cut off
 * goes on after the last whole file. Files that the repository already holds are left alone. Returns the
 * repository's address.
 * @throws ErrataError `HUB_ACCESS`, `HUB_UNREACHABLE`.
 */
export async function pushFolder(
  folder: string,
  files: readonly string[],
  { repository, visibility, onFile, ...options }: PushOptions,
): Promise<string> {
  const accessToken = keepSecret(options.token ?? process.env["HF_TOKEN"]);
  const hubUrl = (
    options.endpoint ??
    process.env["HF_ENDPOINT"] ??
    "https://huggingface.co"
  ).replace(/\/+$/, "");
  if (!accessToken)
    throw new ErrataError("uploading needs an access token", {
      code: "HUB_ACCESS",
      hint: "set HF_TOKEN to a token with write access from https://huggingface.co/settings/tokens",
    });
  const repo = { type: "model", name: repository } as const;
  const common = { repo, accessToken, hubUrl, fetch: requests(options.silence ?? 60_000) };
  try {
    await createUnlessThere(common, visibility);
    const there = new Map<string, ListFileEntry>();
    for await (const entry of listFiles(common)) there.set(entry.path, entry);
    for (const name of files.toSorted(
      (a, b) => Number(a === "README.md") - Number(b === "README.md"),
    )) {
      const path = join(folder, name);
      if (await isSame(path, there.get(name))) continue;
      onFile?.(name);
      await uploadFiles({
        ...common,
        files: [{ path: name, content: pathToFileURL(path) }],
        commitTitle: `Upload ${name} with errata`,
      });
    }
    return `${hubUrl}/${repository}`;
  } catch (cause) {
    throw explained(cause, repository);
  }
}

/** An upload of a file is answered when it is whole, so only other requests have a limit. */
function requests(silence: number): typeof fetch {
  const patient = patientFetch(silence);
  return (input, init) => (init?.method === "PUT" ? fetch(input, init) : patient(input, init));
}

async function createUnlessThere(
  common: {
    readonly repo: { readonly type: "model"; readonly name: string };
    readonly accessToken: string;
    readonly hubUrl: string;
    readonly fetch: typeof fetch;
  },
  visibility: "private" | "public",
): Promise<void> {
  try {
    await createRepo({ ...common, visibility });
  } catch (cause) {
    if (!(cause instanceof HubApiError && cause.statusCode === 409)) throw cause; // 409: it exists
  }
}

/** Whether the file at `path` has the bytes of the hub's: by SHA-256 of large files, by Git's SHA-1 of others. */
async function isSame(path: string, entry: ListFileEntry | undefined): Promise<boolean> {
  if (entry === undefined) return false;
  const { size } = statSync(path);
  if (size !== entry.size) return false;
  const hash =
    entry.lfs === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex") === (entry.lfs?.oid ?? entry.oid);
}

function explained(cause: unknown, repository: string): ErrataError {
  if (cause instanceof ErrataError) return cause;
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  if (status === 401 || status === 403)
    return new ErrataError(`the hub refuses to change ${repository} (${status})`, {
      code: "HUB_ACCESS",
      hint: "HF_TOKEN needs write access, and the owner must be your account or an organisation of yours",
      cause,
    });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ErrataError(`${repository}: the upload stopped: ${reason}`, {
    code: "HUB_UNREACHABLE",
    hint: "run the same command again: whole files are not uploaded twice",
    cause,
  });
}
