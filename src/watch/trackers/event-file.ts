/** TensorBoard's event files: records of one protobuf `Event` each, framed by lengths and checksums. */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { maskedCrc32c } from "./crc32c.js";

/** The part of tensorflow/core/util/event.proto and tensorboard/compat/proto that is written here. */
const definitions = `
syntax = "proto3";
message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; } }
message SessionLog { enum SessionStatus { STATUS_UNSPECIFIED = 0; START = 1; } SessionStatus status = 1; }
message Summary { message Value { string tag = 1; oneof value { float simple_value = 2; TensorProto tensor = 8; } SummaryMetadata metadata = 9; } repeated Value value = 1; }
message SummaryMetadata { message PluginData { string plugin_name = 1; bytes content = 2; } PluginData plugin_data = 1; int32 data_class = 4; }
message TensorProto { int32 dtype = 1; TensorShapeProto tensor_shape = 2; repeated bytes string_val = 8; }
message TensorShapeProto { message Dim { int64 size = 1; } repeated Dim dim = 2; }
message HParamsPluginData { int32 version = 1; oneof data { SessionStartInfo session_start_info = 3; } }
message SessionStartInfo { map<string, Value> hparams = 1; string group_name = 5; double start_time_secs = 6; }
message Value { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`;
const { root } = protobuf.parse(definitions, { keepCase: true });
const Event = root.lookupType("Event");
const HParams = root.lookupType("HParamsPluginData");

/** `DT_STRING` and the class of tensors, in TensorFlow's enumerations. */
const stringType = 7;
const tensorClass = 2;

type Content =
  | { readonly file_version: string }
  | { readonly session_log: { readonly status: number } }
  | { readonly summary: { readonly value: readonly object[] } };

/** Frames one record: length, checksum of the length, data, checksum of the data; little-endian. */
export function record(data: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(data.length + 16);
  frame.writeBigUInt64LE(BigInt(data.length), 0);
  frame.writeUInt32LE(maskedCrc32c(frame.subarray(0, 8)), 8);
  frame.set(data, 12);
  frame.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return frame;
}

/** A new event file. */
export class EventFile {
  readonly #file: number;
  readonly #now: () => number;

  /** Starts a file in `folder`; of one folder the page reads files in the order of their names. */
  constructor(folder: string, now: () => number = () => Date.now() / 1000) {
    mkdirSync(folder, { recursive: true });
    this.#now = now;
    const time = now().toFixed(3).padStart(14, "0");
    this.#file = openSync(join(folder, `events.out.tfevents.${time}.errata.${process.pid}`), "a");
    this.#write(0, { file_version: "brain.Event:2" });
  }

  /** Numbers of a step, by tag; what is not finite is left out. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const value = Object.entries(values)
      .filter(([, number]) => Number.isFinite(number))
      .map(([tag, number]) => ({ tag, simple_value: number }));
    if (value.length > 0) this.#write(step, { summary: { value } });
  }

  /** A text of a step, in Markdown. */
  text(step: number, tag: string, text: string): void {
    const plugin_data = { plugin_name: "text" };
    const tensor = {
      dtype: stringType,
      tensor_shape: { dim: [{ size: 1 }] },
      string_val: [Buffer.from(text)],
    };
    const metadata = { plugin_data, data_class: tensorClass };
    this.#write(step, { summary: { value: [{ tag, tensor, metadata }] } });
  }

  /** What the run was configured with, as the page's hyperparameters. */
  hyperparameters(
    group: string,
    values: Readonly<Record<string, string | number | boolean>>,
  ): void {
    const hparams = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        typeof value === "number"
          ? { number_value: value }
          : typeof value === "boolean"
            ? { bool_value: value }
            : { string_value: value },
      ]),
    );
    const info = { hparams, group_name: group, start_time_secs: this.#now() };
    const content = HParams.encode(
      HParams.create({ version: 0, session_start_info: info }),
    ).finish();
    const plugin_data = { plugin_name: "hparams", content };
    const value = { tag: "_hparams_/session_start_info", metadata: { plugin_data } };
    this.#write(0, { summary: { value: [value] } });
  }

  /** From `step` on, what earlier files hold does not count. */
  restart(step: number): void {
    this.#write(step, { session_log: { status: 1 } });
  }

  /** Waits until all is on disk. */
  flush(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(step: number, content: Content): void {
    const event = Event.create({ wall_time: this.#now(), step, ...content });
    writeSync(this.#file, record(Event.encode(event).finish()));
  }
}
