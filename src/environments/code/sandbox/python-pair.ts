/** A judge and a program in two processes, and what passes between them. */
import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { ErrataError } from "../../../util/error.js";
import type { PythonExit, PythonLimits } from "./python.js";

/** A judge's source and a program's, and the first line that each is given. */
export interface PairJob {
  readonly judge: string;
  readonly program: string;
  readonly suite: string;
  readonly load: string;
  /** What the judge's lines begin with. */
  readonly nonce: string;
  readonly limits: PythonLimits;
}

/** Suites after which a judge is replaced. */
const SUITES_PER_JUDGE = 500;

interface Judge {
  readonly process: ChildProcess;
  suites: number;
  hear: (line: string) => void;
  lost: (cause?: Error) => void;
}

/**
 * Runs pairs. A judge serves one suite after another, for it runs tests and sees nothing of a program but
 * data; a program has a process of its own, which ends with it. An idle judge keeps no process alive.
 */
export class PythonPairs {
  readonly #start: (source: string) => ChildProcess;
  readonly #idle: Judge[] = [];

  /** `start`: a shut-in Python on a source, with pipes for standard input and output. */
  constructor(start: (source: string) => ChildProcess) {
    this.#start = start;
  }

  /** Standard output is the judge's lines; `timeout` and `output` are of judge and program together. */
  run(job: PairJob): Promise<PythonExit> {
    const { nonce, limits } = job;
    return new Promise((resolve, reject) => {
      const program = this.#start(job.program);
      const judge = this.#idle.pop() ?? this.#judge(job.judge);
      keepAlive(judge.process, true);
      const lines: string[] = [];
      let owed = true; // the judge waits for a line of the program: first of all, that it is loaded
      let gone: string | undefined;
      let over = false;
      const end = (outcome: PythonExit["outcome"], keep: boolean): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        program.kill("SIGKILL"); // and with it, as --die-with-parent says, everything inside
        judge.hear = judge.lost = ignore;
        if (keep && judge.suites < SUITES_PER_JUDGE) {
          keepAlive(judge.process, false);
          this.#idle.push(judge);
        } else judge.process.kill("SIGKILL");
        resolve({ outcome, stdout: lines.join("\n"), stderr: "" });
      };
      const timer = setTimeout(() => end("timeout", false), limits.milliseconds);
      const leave = (why: string): void => {
        gone ??= why;
        program.kill("SIGKILL");
        if (owed && !over) judge.process.stdin!.write(`!${gone}\n`);
        owed = false;
      };
      const failed = (cause: Error): void => {
        end("failed", false);
        const message = `bwrap could not be started: ${cause.message}`;
        const hint = "install bubblewrap";
        reject(new ErrataError(message, { code: "SANDBOX_PYTHON", hint, cause }));
      };

      const answers = byLine(
        (line) => {
          if (!owed) return; // written before it was asked for
          owed = false;
          judge.process.stdin!.write(`${line}\n`);
        },
        limits.outputBytes,
        () => leave("output"),
      );
      program.stdout!.on("data", (chunk: Buffer) => gone ?? answers.take(chunk));
      program.stderr!.resume();
      program.on("error", failed);
      program.on("close", () => leave("exit"));

      judge.suites++;
      judge.lost = (cause) => (cause === undefined ? end("failed", false) : failed(cause));
      judge.hear = (line) => {
        if (line === `${nonce} .`) return end("exited", true);
        if (!line.startsWith(`${nonce} ? `)) return void lines.push(line);
        if (gone !== undefined) return void judge.process.stdin!.write(`!${gone}\n`);
        owed = true;
        answers.restart();
        program.stdin!.write(`${line.slice(nonce.length + 3)}\n`);
      };
      program.stdin!.write(`${job.load}\n`);
      judge.process.stdin!.write(`${job.suite}\n`);
    });
  }

  #judge(source: string): Judge {
    const judge: Judge = { process: this.#start(source), suites: 0, hear: ignore, lost: ignore };
    const lines = byLine((line) => judge.hear(line));
    judge.process.stdout!.on("data", lines.take);
    judge.process.stderr!.resume();
    const lost = (cause?: Error): void => {
      const at = this.#idle.indexOf(judge);
      if (at >= 0) this.#idle.splice(at, 1);
      judge.lost(cause);
    };
    judge.process.on("error", lost);
    judge.process.on("close", () => lost());
    return judge;
  }
}

const ignore = (): void => {};

/** Whether a child and its pipes hold this process open. */
function keepAlive(child: ChildProcess, alive: boolean): void {
  const how = alive ? "ref" : "unref";
  child[how]();
  for (const stream of [child.stdin, child.stdout, child.stderr])
    if (stream instanceof Socket) stream[how]();
}

/** Cuts chunks into lines; more than `most` bytes since the last `restart` are too many. */
function byLine(
  line: (text: string) => void,
  most: number = Infinity,
  tooMuch: () => void = ignore,
): { readonly take: (chunk: Buffer) => void; readonly restart: () => void } {
  let parts: Buffer[] = [];
  let bytes = 0;
  return {
    take: (chunk) => {
      bytes += chunk.length;
      if (bytes > most) return tooMuch();
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        parts.push(chunk.subarray(from, at));
        const text = Buffer.concat(parts).toString("utf8");
        parts = [];
        from = at + 1;
        line(text);
      }
      if (from < chunk.length) parts.push(chunk.subarray(from));
    },
    restart: () => {
      bytes = 0;
      parts = [];
    },
  };
}
