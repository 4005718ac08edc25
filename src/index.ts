/** The public API of Errata: re-exports only. */
export { defineConfig, type Config, type ConfigInput } from "./config/config.js";
export { grpo } from "./config/defaults.js";
export { configKeys } from "./config/keys.js";
export { mergeConfig } from "./config/merge.js";
export { applyOverrides } from "./config/overrides.js";
export { parseConfig } from "./config/parse.js";
export { ErrataError, type ErrataErrorOptions } from "./util/error.js";
export { Random } from "./util/random.js";

export type * from "./environments/environment.js";
export { environment, environmentNames } from "./environments/index.js";
export { tau2Retail, tauAirline } from "./environments/support/tau/tau.js";
export { modelUser, type User } from "./environments/support/tau/user.js";
export { MeteredUser } from "./partners/simulated-user.js";
export type { UserOptions } from "./partners/user-options.js";
export { defineEnvironment, type EnvironmentDefinition } from "./environments/custom/define.js";
export { tasksFile } from "./environments/custom/tasks-file.js";
export { gsm8k } from "./environments/gsm8k/gsm8k.js";
export { checkEnvironment, type CheckResult } from "./assess/check-environment.js";
export { playActions, playProcedure } from "./environments/play-procedure.js";

export type {
  Completion,
  Engine,
  OptimizerState,
  Policy,
  SampleRequest,
  Target,
  TrainingSequence,
  TrainOptions,
  TrainResult,
} from "./engine/engine.js";
export { newOptimizer } from "./engine/local-policies.js";
export type { LocalOptimizer, LocalPolicy } from "./engine/local-policy.js";
export { LocalEngine } from "./engine/local.js";
export { loadPolicy, savePolicy } from "./engine/files/checkpoint.js";
export type { ModelShape } from "./engine/transformer.js";

export { initialAdapter, mergeAdapter, type Adapter, type AdapterShape } from "./engine/adapter.js";
export { loadPeftAdapter, savePeftAdapter } from "./engine/files/peft.js";
export { WorkerEngine } from "./engine/worker-engine.js";
export {
  loadCheckpoint,
  type Checkpoint,
  type CheckpointOptions,
} from "./models/load-checkpoint.js";
export {
  remoteModel,
  RemoteModel,
  type RemoteAddress,
  type RemoteOptions,
  type SdkModel,
} from "./models/remote.js";
export {
  imperfectTeacher,
  modelTeacher,
  solverTeacher,
  type Demonstration,
  type Teacher,
} from "./teacher/teacher.js";
export { RemotePartner, type RemotePartnerOptions } from "./partners/remote.js";
export { PolicyModel, type Action, type Model } from "./models/model.js";
export { LexiconTokenizer } from "./models/tokenizer.js";

export { Corpus, type CorpusOptions } from "./mistakes/corpus/corpus.js";
export type { CorpusStats } from "./mistakes/corpus/browse.js";
export type { Candidate, Mistake, MistakeDetail, MistakeTrace } from "./mistakes/corpus/mistake.js";
export type { MistakeStatus, ReviewVerdict } from "./mistakes/corpus/standing.js";

export { importFormat, importFormats } from "./mistakes/import/formats.js";
export { importAttempts } from "./mistakes/import/import.js";
export type { ImportOptions, ImportReport } from "./mistakes/import/report.js";
export { mistakeAgreement, type MistakeAgreement } from "./mistakes/import/agreement.js";

export { presetNamed, presets, type Preset } from "./students/presets/presets.js";
export type { BuildProgress, PrepareOptions } from "./students/models.js";
export { prepare } from "./launch/prepare.js";
export type { Setup } from "./run/setup.js";
export { Run } from "./run/run.js";
export type { RunState } from "./run/state.js";
export {
  trainInProcess,
  type RunEnd,
  type RunProcessOptions,
  type RunProgress,
} from "./launch/process.js";
export { learningCurve, readRun, type RunRecord } from "./run/record.js";
export { train } from "./loop/train.js";
export { evaluate, sampleTasks, type Sampled } from "./play/evaluate.js";
export {
  meanInterval,
  ratioInterval,
  stepsToTarget,
  wilsonInterval,
  type Interval,
} from "./util/statistics/intervals.js";
export { gate, gateLines, type GateCheck, type GateReport } from "./assess/gate.js";
export { measureRescue, type Rescue, type RescueReport } from "./assess/rescue.js";
export { defineStudy, type Arm, type Claim, type StudyInput } from "./study/design/study.js";
export { protocolOf, type Protocol, type ProtocolOptions } from "./study/design/protocol.js";
export { runStudy, type RunnerOptions, type StudyRuns } from "./study/runs/runner.js";
export { resultOf, type StudyResult } from "./study/verdict/result.js";
export { studyNamed } from "./study/design/studies.js";
export { drawTasks } from "./play/curriculum.js";
export {
  accuracy,
  inGroups,
  play,
  repeat,
  type Fork,
  type Group,
  type Rollout,
} from "./play/play.js";
export { groupAdvantages, offPolicyWeight, type WeightBounds } from "./learn/advantage.js";
export { trainingSequences, type RolloutSignal, type ScoredGroup } from "./learn/sequences.js";
export { remember, type Admissions, type RememberOptions } from "./mistakes/remember.js";
export { expertShape, fitExpert, type Expert, type ExpertOptions } from "./experts/expert.js";
export type { Steering } from "./engine/steering.js";
export type { MetricsLine, StepMetrics } from "./watch/metrics.js";
export type { Cost, CostRole } from "./watch/ledger.js";
export {
  demoConfigs,
  demoReport,
  demoSentence,
  runDemo,
  type DemoCurve,
  type DemoOptions,
  type DemoReport,
} from "./study/demo.js";
