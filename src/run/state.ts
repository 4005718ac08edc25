/** What training changes in a run. */
import { Alarms, type AlarmState } from "../watch/alarms.js";
import type { ContrastHead } from "../learn/contrast-head.js";
import type { Race } from "../play/race.js";
import type { Engine, OptimizerState, Policy } from "../engine/engine.js";
import type { Expert } from "../experts/expert.js";
import { freshSelfPlay, type SelfPlayState } from "../partners/self-play-state.js";
import { freshTeacherBudget, type TeacherBudgetState } from "../teacher/budget.js";

/** What training changes, replaced as a whole at the end of a step. */
export interface RunState {
  /** Steps finished. */
  readonly step: number;
  readonly student: Policy;
  readonly optimizer: OptimizerState;
  /** By signature. */
  readonly experts: ReadonlyMap<string, Expert>;
  /** Signature of the expert committed to each level. */
  readonly committed: ReadonlyMap<string, string>;
  /** Who steers where that is found out in training; absent elsewhere, and before the first step. */
  readonly race?: Race | undefined;
  /** Updates in a row that were skipped because they were not finite. */
  readonly skipped: number;
  readonly alarms: AlarmState;
  readonly teacher: TeacherBudgetState;
  readonly selfPlay: SelfPlayState;
  /** The projection of the contrastive loss; absent while it is off. */
  readonly contrast?: ContrastHead | undefined;
}

/** The state of a run that has not trained yet: its student starts as `base` is, which stays as it is. */
export function freshState(engine: Engine, base: Policy): RunState {
  const student = engine.fork(base);
  return {
    step: 0,
    student,
    optimizer: engine.newOptimizer(student),
    experts: new Map(),
    committed: new Map(),
    skipped: 0,
    alarms: new Alarms().state,
    teacher: freshTeacherBudget,
    selfPlay: freshSelfPlay,
  };
}
