import { expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { playProcedure } from "../play-procedure.js";
import { Database } from "./database.js";
import { deskTools } from "./desk-tools.js";
import { referenceDesk } from "./judge.js";
import { support } from "./support.js";
import { parseTasks } from "./tau/task.js";
import { callTool } from "./tool.js";
import { chatMessages, tau2Task } from "./transcript.js";
import { type DeskTables } from "./world.js";
import { type DeskTask } from "./errand.js";
import { takeover } from "./conversation.js";

const environment = support();
const random = Random.from(8, "transcript");
const tasks = Array.from({ length: 60 }, (_, i) =>
  environment.draw({ split: "train", level: environment.levels[i % 2]!, random }),
);

test("messages alternate as OpenAI servers want them, and re-running their calls gives the end state", async () => {
  for (const [i, task] of tasks.entries()) {
    const trajectory = await playProcedure(
      environment,
      task,
      i % 2 === 0 ? "correct" : "first-item",
      random,
    );
    const messages = chatMessages(trajectory);
    expect(messages.slice(0, 2).map(({ role }) => role)).toEqual(["system", "user"]);
    let desk = Database.of<DeskTables>((task.data as unknown as DeskTask).tables);
    for (const [j, message] of messages.entries()) {
      const call = message.tool_calls?.[0];
      if (message.role === "assistant") expect(message.content === null).toBe(call !== undefined);
      if (call === undefined) continue;
      const answer = messages[j + 1]!;
      expect(answer).toMatchObject({ role: "tool", tool_call_id: call.id });
      const { name, arguments: args } = call.function;
      const outcome = callTool(deskTools, desk, {
        name,
        arguments: JSON.parse(args) as Record<string, string>,
      });
      expect(outcome.text).toBe(answer.content);
      desk = outcome.database;
    }
    expect(desk.digest()).toBe(trajectory.end.state.desk.digest());
    if (i % 2 === 0) expect(messages.at(-1)).toEqual(lastOf(trajectory.end.state.end));
  }
});

function lastOf(end: string | undefined): object {
  return end === "transfer"
    ? { role: "tool", tool_call_id: expect.any(String) as string, content: "Transfer successful" }
    : { role: "user", content: "###STOP###" };
}

test("a refused call is answered with the rule it broke", async () => {
  const trajectory = await playProcedure(environment, tasks[0]!, () => "order #W1", random);
  expect(chatMessages(trajectory).at(-1)).toMatchObject({ role: "tool", content: /^Error: / });
});

test("what another agent did before a takeover is part of the messages", async () => {
  const right = await playProcedure(environment, tasks[0]!, "correct", random);
  const actions = right.steps.slice(0, 2).map(({ action }) => action);
  const rest = await playProcedure(environment, takeover(tasks[0]!, actions)!, "correct", random);
  expect(chatMessages(rest)).toEqual(chatMessages(right));
});

test("tasks in tau2-bench's form are read back, and their actions lead to the reference state", () => {
  for (const task of tasks) {
    const { initial_state, ...exported } = tau2Task(task) as Record<string, unknown>;
    const [parsed] = parseTasks([exported], "the export");
    const start = Database.of<DeskTables>(
      (initial_state as { initialization_data: { agent_data: DeskTask["tables"] } })
        .initialization_data.agent_data,
    );
    const end = parsed!.evaluation_criteria!.actions!.reduce(
      (desk, action) => callTool(deskTools, desk, action).database,
      start,
    );
    expect(end.digest()).toBe(referenceDesk(task).digest());
  }
});
