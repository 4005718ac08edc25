/** A study's report, in a frame that runs no scripts. */
import type { RunList } from "../api.js";

export function Study({
  name,
  list,
}: {
  readonly name: string;
  readonly list: RunList | undefined;
}) {
  if (list === undefined) return <p class="muted">reading the report…</p>;
  const page = list.studies.find((study) => study.name === name)?.page;
  if (typeof page !== "string") return <p class="notice bad">there is no such report</p>;
  return <iframe class="study" title={`Report ${name}`} src={page} />;
}
