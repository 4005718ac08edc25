import type { GateReport } from "../../assess/gate.js";
import type { Protocol } from "../design/protocol.js";
import type { ArmRun } from "../runs/measure.js";
import type { StudyResult } from "../verdict/result.js";

/** What a report is made of. */
export interface Report {
  readonly protocol: Protocol;
  readonly runs: readonly ArmRun[];
  readonly result: StudyResult;
  /** The command that makes it again. */
  readonly command: string;
  /** Whether the domain is one where the method can help, as far as that was measured. */
  readonly gate?: GateReport | undefined;
}
