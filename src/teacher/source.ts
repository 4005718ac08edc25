/** From `teacher.source` to a teacher. */
import { existsSync } from "node:fs";
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { PolicyModel } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { TeacherOptions } from "./options.js";
import { imperfectTeacher, modelTeacher, solverTeacher, type Teacher } from "./teacher.js";

/** What a teacher is made from. */
export interface TeacherInput {
  readonly config: TeacherOptions;
  readonly engine: Engine;
  readonly environment: Environment;
  readonly tokenizer: Tokenizer;
  /** The student's recipe stopped before any error was injected. */
  readonly rightSolutions: () => Promise<Policy>;
  /** The preset's weak partners by name: what an imperfect `right-solutions` says where it errs. */
  readonly wrongSolutions: () => Promise<ReadonlyMap<string, Policy>>;
}

/**
 * The configured teacher; undefined for `none`, and where the cap is 0.
 * @throws ErrataError `TEACHER_SOURCE` on a source that is none of the known ones, and where `kl` is
 *   asked of a teacher without log-probs, or mistakes of a preset without weak partners; `REMOTE_ADDRESS` on an incomplete address.
 */
export async function teacherFor(input: TeacherInput): Promise<Teacher | undefined> {
  const { config, engine, environment, tokenizer, rightSolutions, wrongSolutions } = input;
  const { source, form, cap } = config;
  if (source === "none" || cap === 0) return undefined;
  const local = (name: string, policy: Policy): Teacher => {
    const { maxActionSymbols } = environment;
    const model = new PolicyModel({ engine, policy, tokenizer, maxActionSymbols });
    return modelTeacher(environment, name, model, policy);
  };
  if (source === "right-solutions") {
    const right = local(source, await rightSolutions());
    if (config.accuracy === 1) return right;
    const wrong = [...(await wrongSolutions())].map(([name, policy]) => local(name, policy));
    if (wrong.length > 0) return imperfectTeacher(right, wrong, config.accuracy);
    throw new ErrataError(`teacher.accuracy ${config.accuracy}: the preset has no weak partner`, {
      code: "TEACHER_SOURCE",
      hint: "a right-solutions teacher errs as weak partners do; leave its accuracy at 1",
    });
  }
  if (form === "kl" && !existsSync(source))
    throw new ErrataError(`teacher.form "kl" needs log-probs, and "${source}" gives none`, {
      code: "TEACHER_SOURCE",
      hint: "use the form hint or trace, or a teacher that runs here: right-solutions, a checkpoint",
    });
  if (source === "solver") return solverTeacher(environment, config.accuracy);
  if (/^https?:/.test(source)) {
    const { remoteModel } = await import("../models/remote.js");
    const { model, keyVariable } = config;
    return modelTeacher(environment, model, remoteModel({ url: source, model, keyVariable }));
  }
  if (existsSync(source)) return local(source, await engine.restore(source));
  throw new ErrataError(`teacher.source "${source}" is not a teacher`, {
    code: "TEACHER_SOURCE",
    hint: "known: none, solver, right-solutions, the path of a checkpoint, an http(s) URL",
  });
}
