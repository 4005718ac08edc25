/** What a run cost, by role, against its budget. */
import type { CostReport } from "../api.js";
import { runPath } from "./api.js";
import { count, duration, magnitude, percent, plain } from "./format.js";
import { useAnswer } from "./hooks.js";

const limits: Readonly<Record<string, (value: number) => string>> = {
  flops: (v) => `${magnitude(v)}FLOP`,
  tokens: (v) => `${count(v)} tokens`,
  money: (v) => `${plain(v)} money`,
  seconds: duration,
};

const roleWords: Readonly<Record<string, string>> = {
  student: "student: playing and learning",
  weak: "weak partners",
  expert: "experts: fitting and steering",
  probe: "probes of experts",
  teacher: "teacher",
  embedding: "embeddings of mistakes",
  judge: "judges",
  user: "simulated users",
  evaluation: "evaluation",
};

export function CostView({ run, version }: { readonly run: string; readonly version: unknown }) {
  const { data, error } = useAnswer<CostReport>(runPath(run, "cost"), version);
  if (data === undefined) return <p class="muted">{error ?? "reading the cost…"}</p>;
  const { roles, spent, budget, teacher, step } = data;
  if (roles.length === 0)
    return (
      <p class="empty">Nothing is accounted yet: the account is saved with each checkpoint.</p>
    );
  const most = Math.max(...roles.map(({ flops }) => flops), 1);
  const all = roles.reduce((sum, { flops }) => sum + flops, 0);
  return (
    <>
      <p class="headline">
        {magnitude(spent["flops"] ?? 0)}FLOP and {count(spent["tokens"] ?? 0)} tokens in{" "}
        {duration(spent["seconds"] ?? 0)}, as of step {step}
        {Object.keys(budget).length === 0 && "; no budget is set"}.
      </p>
      {Object.entries(budget).length > 0 && (
        <>
          <h2>Budget</h2>
          {Object.entries(budget).map(([name, limit]) => {
            const used = spent[name] ?? 0;
            const show = limits[name] ?? plain;
            return (
              <p key={name} class="meter-line">
                <meter
                  min={0}
                  max={limit}
                  value={used}
                  high={0.9 * limit}
                  aria-label={`Budget of ${name}`}
                />
                {show(used)} of {show(limit)}, {percent(used / limit)} used,{" "}
                {show(Math.max(0, limit - used))} left
              </p>
            );
          })}
        </>
      )}
      {teacher !== null && (
        <>
          <h2>Teacher</h2>
          <p class="meter-line">
            <meter
              min={0}
              max={teacher.cap}
              value={teacher.share}
              aria-label="Teacher's share against its cap"
            />
            {percent(teacher.share, 1)} of prompt visits with a teacher ({count(teacher.calls)}{" "}
            calls); the cap is {percent(teacher.cap, 1)}
          </p>
        </>
      )}
      <h2>By role</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">role</th>
              <th scope="col">FLOP</th>
              <th scope="col">share</th>
              <th scope="col">tokens</th>
              <th scope="col">rollouts</th>
              <th scope="col">time</th>
            </tr>
          </thead>
          <tbody>
            {roles.map(({ role, flops, tokens, rollouts, seconds }) => (
              <tr key={role}>
                <th scope="row">{roleWords[role] ?? role}</th>
                <td class="bar-cell">
                  <span class="bar-fill" style={{ width: `${(100 * flops) / most}%` }} />{" "}
                  {magnitude(flops)}
                </td>
                <td>{percent(all === 0 ? 0 : flops / all)}</td>
                <td>{count(tokens)}</td>
                <td>{count(rollouts)}</td>
                <td>{duration(seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
