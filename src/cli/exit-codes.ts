/** What `errata` exits with. */
export const exitCodes = {
  ok: 0,
  /** The run, the check or the gate failed. */
  failed: 1,
  /** A flag, a name or the configuration is wrong. */
  usage: 2,
  /** Interrupted; a run that had begun is saved. */
  interrupted: 130,
} as const;

/** Codes of faults in what the user wrote, as against faults in what happened: they end with `usage`. */
export const usageCodes: ReadonlySet<string> = new Set([
  "CONFIG_FILE",
  "CONFIG_INVALID",
  "CONFIG_MISSING",
  "CONFIG_SET",
  "CORPUS_OPTION",
  "CORPUS_UNKNOWN_MISTAKE",
  "ENVIRONMENT_DATA",
  "ENVIRONMENT_DEFINITION",
  "ENVIRONMENT_FILE",
  "ENVIRONMENT_LEVEL",
  "ENVIRONMENT_LEXICON",
  "ENVIRONMENT_OPTION",
  "ENVIRONMENT_PICKLE",
  "ENVIRONMENT_PROCEDURE",
  "ENVIRONMENT_TASK",
  "ENVIRONMENT_UNKNOWN",
  "EXPORT_ADAPTER",
  "EXPORT_EXISTS",
  "EXPORT_OPTION",
  "EXPORT_PRIVATE",
  "IMPORT_CORPUS",
  "IMPORT_FILE",
  "IMPORT_FORMAT",
  "IMPORT_MODEL",
  "IMPORT_RUN",
  "PARTNER_NAME",
  "PARTNER_UNKNOWN",
  "PARTNER_UNREADABLE",
  "PRESET_UNKNOWN",
  "RUN_CONFIG_CHANGED",
  "RUN_EXISTS",
  "RUN_MISSING",
  "RUN_NAME",
  "STUDY_ARM",
  "STUDY_CHANGED",
  "STUDY_INVALID",
  "STUDY_MISSING",
  "STUDY_UNKNOWN",
]);
