/** Commands run one after another in a process that is kept warm, and ended where one of them hangs. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How a command ended. */
export interface Ended {
  /** Null where it had to be ended, or its process ended by itself. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody without rights: to root no file is forbidden. */
const nobody = 65_534;

/** Who runs commands: somebody that a file can be forbidden to. */
export const runner: number = process.getuid?.() === 0 ? nobody : (process.getuid?.() ?? 0);

export class Commands {
  #child: ChildProcess | undefined;

  /** Runs `errata args`, or what `child.mjs` knows beside it, in a folder. */
  async run(
    folder: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    seconds: number,
  ): Promise<Ended> {
    const child = (this.#child ??= await started());
    child.send({ folder, args, env });
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(seconds * 1000)]);
    const answer = once(child, "message", { signal }).then(([ended]) => ended as Ended);
    answer.catch(() => undefined);
    const end = once(child, "exit", { signal }).then(() => this.#lost("its process ended"));
    end.catch(() => undefined);
    try {
      return await Promise.race([answer, end]);
    } catch {
      return this.#lost(`nothing after ${seconds} seconds`);
    } finally {
      done.abort();
    }
  }

  #lost(why: string): Ended {
    this.close();
    return { status: null, stdout: "", stderr: why };
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

async function started(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("child.mjs", import.meta.url)), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, NO_COLOR: "1", HOME: "/nonexistent" },
    ...(process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}),
  });
  await once(child, "message");
  return child;
}
