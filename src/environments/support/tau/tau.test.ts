import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Random } from "../../../util/random.js";
import { checkEnvironment } from "../../../assess/check-environment.js";
import { findData } from "../../data-folder.js";
import type { Message, Task } from "../../environment.js";
import { playActions, playProcedure } from "../../play-procedure.js";
import { neededWrites } from "./localise.js";
import { suspectWrites } from "./monitors.js";
import { parseRecorded, type RecordedConversation, replay } from "./recorded.js";
import { tauReward } from "./reward.js";
import { loadAirline, loadRetail } from "./load.js";
import { judgeTau, tau2Retail, tauAirline } from "./tau.js";
import { referenceActions, type TauTask } from "./task.js";
import { modelUser } from "./user.js";

const retail = findData("tau2/retail/db.json");
const airline = findData("tau-bench/airline/flights.json") && findData("tau2/airline/tasks.json");
const recordings = findData("tau-bench/gpt-4o-airline-trajectories.json");
const absent = "is absent: set ERRATA_DATA to the folder that holds tau2/ and tau-bench/";

describe.skipIf(retail === undefined)("tau2-bench's retail domain", () => {
  const environment = tau2Retail();

  test("every reference is accepted, its corruption refused, and what needs a judge is skipped", async () => {
    const result = await checkEnvironment(environment, { tasks: 500, seed: 1 });
    expect(result.failures).toEqual([]);
    expect(result.referenceAccepted).toBe(result.tasks);
    expect(result.corruptedRejected).toBe(result.corrupted);
    expect(result.corrupted).toBeGreaterThan(0.95 * result.tasks);
    const { database, tools, tasks } = loadRetail();
    expect(result.tasks).toBe(Object.values(tasks).flat().length);
    for (const task of tasks.train) {
      const { state } = (await reference(`tau2-retail-${task.id}`)).end;
      const reward = tauReward(state, database, tools);
      expect(reward.components["DB"]).toBe(true);
      expect(reward.skipped).toEqual(
        task.evaluation_criteria!.reward_basis!.filter((b) => b !== "DB"),
      );
    }

    function reference(id: string): ReturnType<typeof playProcedure<import("./tau.js").TauState>> {
      const task = environment.tasks!("train").find((each) => each.id === id)!;
      return playProcedure(environment, task, "correct", Random.from(0, "x"));
    }
  });

  test("one write of the references is refused by the tools, as by tau2-bench's: an item named twice", () => {
    const { database, tools, tasks } = loadRetail();
    const refused = Object.values(tasks)
      .flat()
      .flatMap((task) =>
        neededWrites(referenceActions(task), database, tools).refused.flatMap(({ name }) =>
          tools.get(name)!.kind === "write" ? [`${task.id} ${name}`] : [],
        ),
      );
    expect(refused).toEqual(["105 exchange_delivered_order_items"]);
  });

  test("a malformed call, an unknown tool and a missing argument are answered, and end nothing", async () => {
    const [task] = environment.tasks!("train");
    const { steps, end } = await playActions(environment, task!, [
      '{"name": "get_order_details", "arguments"',
      '{"name": "drop_tables", "arguments": {}}',
      '<tool_call>{"name": "get_order_details", "arguments": {}}</tool_call>',
      '<tool_call>{"name": "get_order_details", "arguments": {"order_id": "#W2378156"}}</tool_call>',
    ]);
    expect(steps).toHaveLength(4);
    const answers = end.state.messages
      .filter(({ role }) => role === "tool")
      .map(({ content }) => content);
    expect(answers[0]).toMatch(/^Error: the tool call is not JSON/);
    expect(answers[1]).toBe('Error: there is no tool "drop_tables"');
    expect(answers[2]).toBe("Error: get_order_details lacks the argument order_id");
    expect(JSON.parse(answers[3]!)).toMatchObject({
      order_id: "#W2378156",
      user_id: "yusuf_rossi_9620",
    });
    expect(end.messages!.map(({ role }) => role).slice(0, 3)).toEqual([
      "system",
      "user",
      "assistant",
    ]);
    expect(end.messages![0]!.content).toContain("# Retail agent policy");
    expect(end.state.end).toBeUndefined();
  });

  test("a conversation that reaches the limit is truncated and lost", async () => {
    const short = tau2Retail({ maxSteps: 3 });
    const task = short.tasks!("train").find(({ level }) => level === "no-write")!;
    const actions = Array.from(
      { length: 5 },
      () => '{"name": "list_all_product_types", "arguments": {}}',
    );
    const trajectory = await playActions(short, task, actions);
    expect(trajectory.steps).toHaveLength(3);
    expect(trajectory.end).toMatchObject({ truncated: true, terminated: false });
    expect(await short.judge(trajectory)).toMatchObject({ correct: false, stop: "truncated" });
  });

  test("a user played by a model hears the dialogue, its own side as assistant, and ends it", async () => {
    const heard: (readonly Message[])[] = [];
    const user = modelUser({
      complete: (messages) => {
        heard.push(messages);
        return Promise.resolve(heard.length === 1 ? "I am Yusuf." : "Thanks! ###STOP###");
      },
      degraded: ["pushing"],
    });
    const played = tau2Retail({ user });
    const [task] = played.tasks!("train");
    const trajectory = await playActions(played, task!, [
      "Who are you?",
      '{"name": "find_user_id_by_name_zip", "arguments": {"first_name": "Yusuf", "last_name": "Rossi", "zip": "19122"}}',
      "Is there anything else?",
    ]);
    expect(trajectory.end).toMatchObject({ terminated: true, state: { end: "stop" } });
    expect(heard).toHaveLength(2);
    expect(heard[1]!.map(({ role }) => role)).toEqual([
      "system",
      "assistant",
      "user",
      "assistant",
      "user",
    ]);
    expect(heard[1]!.map(({ content }) => content).slice(2)).toEqual([
      "Who are you?",
      "I am Yusuf.",
      "Is there anything else?",
    ]);
    expect(heard[0]![0]!.content).toContain("<scenario>");
    expect(heard[0]![0]!.content).toContain("insist on an exception");
    expect(await played.judge(trajectory)).toMatchObject({
      correct: false,
      stop: "wrong",
      firstError: { step: 2, family: "missed_required_action", evidence: "heuristic" },
    });
  });

  test("first errors by their kind", async () => {
    const one = environment.tasks!("train").find(({ level }) => level === "one-write")!;
    const right = await playProcedure(environment, one, "correct", Random.from(0, "x"));
    const actions = right.steps.map(({ action }) => action);
    const { database, tools } = loadRetail();
    const [write] = neededWrites(
      referenceActions(one.data as unknown as TauTask),
      database,
      tools,
    ).needed;
    const at = actions.findIndex((action) => action.includes(write!.name));
    const foreign = callOf("modify_user_address", {
      user_id: "noah_brown_6181",
      address1: "1 A",
      address2: "",
      city: "B",
      state: "CA",
      country: "USA",
      zip: "90001",
    });
    const judge = async (changed: readonly string[], task: Task = one): Promise<object> =>
      environment.judge(await playActions(environment, task, changed));
    expect(await judge(actions.toSpliced(at, 1))).toMatchObject({
      firstError: { step: actions.length - 2, family: "missed_required_action" },
    });
    expect(
      await judge([...actions.slice(0, at), callOf("transfer_to_human_agents", { summary: "" })]),
    ).toMatchObject({
      firstError: { step: at, family: "premature_termination" },
    });
    expect(await judge([foreign, ...actions])).toMatchObject({
      firstError: { step: 0, family: "irrelevant_tool_call", evidence: "test" },
      signature: "irrelevant_tool_call:modify_user_address",
    });
    const later = callOf("modify_user_address", {
      ...(JSON.parse(foreign) as { arguments: object }).arguments,
      city: "C",
    });
    expect(await judge([actions[0]!, foreign, later, ...actions.slice(1)])).toMatchObject({
      firstError: { step: 1, family: "irrelevant_tool_call" },
    });
    const none = environment.tasks!("train").find(({ level }) => level === "no-write")!;
    expect(await judge([foreign, "Done."], none)).toMatchObject({
      firstError: { step: 0, family: "guideline_violation" },
    });
  });
});

describe.skipIf(airline === undefined)("the airline domain", () => {
  test("every reference is accepted and its corruption refused", async () => {
    const result = await checkEnvironment(tauAirline(), { tasks: 500, seed: 1 });
    expect(result.failures).toEqual([]);
    expect(result.referenceAccepted).toBe(result.tasks);
    expect(result.corruptedRejected).toBe(result.corrupted);
    expect(result.corrupted).toBeGreaterThan(0.95 * result.tasks);
  });

  describe.skipIf(recordings === undefined)("recorded conversations", () => {
    const read = (): RecordedConversation[] =>
      parseRecorded(JSON.parse(readFileSync(recordings!, "utf8")), recordings!);

    test("replayed, get the reward they were given, at least 98 of 100", async ({ annotate }) => {
      const domain = loadAirline();
      const families: Record<string, number> = {};
      let agreed = 0;
      for (const conversation of read()) {
        const trajectory = replay(conversation, domain);
        const { correct, firstError } = judgeTau(trajectory, domain);
        if (correct === (conversation.reward === 1)) agreed++;
        if (correct) continue;
        families[firstError!.family] = (families[firstError!.family] ?? 0) + 1;
        expect(trajectory.steps[firstError!.step]).toBeDefined();
      }
      await annotate(JSON.stringify({ agreed, families }));
      expect(agreed).toBeGreaterThanOrEqual(98);
      expect(Object.keys(families).sort()).toEqual([
        "guideline_violation",
        "irrelevant_tool_call",
        "missed_required_action",
        "premature_termination",
        "tool_call_argument_error",
      ]);
    });

    test("writes without a yes are far more frequent where the conversation failed", async ({
      annotate,
    }) => {
      const domain = loadAirline();
      const count = { right: { writes: 0, unconfirmed: 0 }, wrong: { writes: 0, unconfirmed: 0 } };
      for (const conversation of read()) {
        const trajectory = replay(conversation, domain);
        const { state } = trajectory.end;
        const row = count[judgeTau(trajectory, domain).correct ? "right" : "wrong"];
        row.writes += state.calls.filter(({ kind, error }) => kind === "write" && !error).length;
        row.unconfirmed += suspectWrites(state).filter(
          ({ rule }) => rule === "confirmation",
        ).length;
      }
      const share = ({ writes, unconfirmed }: { writes: number; unconfirmed: number }): number =>
        unconfirmed / writes;
      expect(count.wrong.writes).toBeGreaterThan(50);
      expect(share(count.wrong)).toBeGreaterThan(2 * share(count.right));
      await annotate(JSON.stringify(count));
    });

    test("tools answer what they answered then", () => {
      const domain = loadAirline();
      let same = 0;
      let total = 0;
      for (const conversation of read()) {
        const recorded = conversation.traj.filter(({ role }) => role === "tool");
        const played = replay(conversation, domain).end.state.messages.filter(
          ({ role }) => role === "tool",
        );
        for (const [i, { content }] of recorded.entries()) {
          if (played[i] === undefined) continue;
          total++;
          if (normal(content ?? "") === normal(played[i].content)) same++;
        }
      }
      expect(total).toBeGreaterThan(500);
      expect(same / total).toBeGreaterThan(0.99);
    });
  });
});

/**
 * Python's JSON and ours differ in blanks, in 1.0 for 1, and in the words of what a tool refuses. Users'
 * addresses had a province when the conversations were recorded, and now have a state.
 */
function normal(text: string): string {
  if (text.startsWith("Error")) return "Error";
  try {
    return JSON.stringify(sorted(JSON.parse(text.replaceAll('"province":', '"state":'))));
  } catch {
    return text.replaceAll(/\.0\b/g, "");
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]): [string, unknown] => [key, sorted(each)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function callOf(name: string, args: object): string {
  return JSON.stringify({ name, arguments: args });
}

test("a folder without the files is reported as such", () => {
  expect(() => loadRetail("/nowhere")).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_DATA" }),
  );
  expect(() => parseRecorded([{ reward: "high" }], "x.json")).toThrow(
    expect.objectContaining({
      code: "TAU_TRAJECTORY",
      message: expect.stringContaining("x.json") as string,
    }),
  );
});

test.runIf(retail === undefined)("tau2-bench's retail data", ({ skip }) =>
  skip(`tau2/retail ${absent}`),
);
test.runIf(airline === undefined)("the airline data", ({ skip }) =>
  skip(`tau-bench/airline ${absent}`),
);
test.runIf(recordings === undefined)("tau-bench's trajectories", ({ skip }) =>
  skip(`tau-bench/gpt-4o-airline-trajectories.json ${absent}`),
);
