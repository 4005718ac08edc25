/** Encodes a graph as an ONNX model (IR version 9, opset 18 and com.microsoft 1). */
import protobuf from "protobufjs";

/** Element types used here, with their ONNX codes (onnx.proto3, TensorProto.DataType). */
export const elementCodes = { float32: 1, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementCodes;

export type Attribute = number | { readonly float: number } | readonly number[] | string;

export interface OnnxNode {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** Numbers, or names of dimensions known only at run time. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxConstant extends OnnxValue {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly OnnxConstant[];
}

const field = (id: number, type: string, rule?: "repeated"): protobuf.IField =>
  rule === undefined ? { id, type } : { id, type, rule };

/** The part of onnx.proto3 that a graph needs (https://github.com/onnx/onnx/blob/v1.18.0/onnx/onnx.proto3). */
const schema = protobuf.Root.fromJSON({
  nested: {
    OperatorSet: { fields: { domain: field(1, "string"), version: field(2, "int64") } },
    Tensor: {
      fields: {
        dims: field(1, "int64", "repeated"),
        dataType: field(2, "int32"),
        name: field(8, "string"),
        rawData: field(9, "bytes"),
      },
    },
    Attribute: {
      fields: {
        name: field(1, "string"),
        f: field(2, "float"),
        i: field(3, "int64"),
        s: field(4, "bytes"),
        ints: field(8, "int64", "repeated"),
        type: field(20, "int32"),
      },
    },
    Node: {
      fields: {
        input: field(1, "string", "repeated"),
        output: field(2, "string", "repeated"),
        opType: field(4, "string"),
        attribute: field(5, "Attribute", "repeated"),
        domain: field(7, "string"),
      },
    },
    Dimension: { fields: { dimValue: field(1, "int64"), dimParam: field(2, "string") } },
    Shape: { fields: { dim: field(1, "Dimension", "repeated") } },
    TensorType: { fields: { elemType: field(1, "int32"), shape: field(2, "Shape") } },
    Type: { fields: { tensorType: field(1, "TensorType") } },
    Value: { fields: { name: field(1, "string"), type: field(2, "Type") } },
    Graph: {
      fields: {
        node: field(1, "Node", "repeated"),
        name: field(2, "string"),
        initializer: field(5, "Tensor", "repeated"),
        input: field(11, "Value", "repeated"),
        output: field(12, "Value", "repeated"),
      },
    },
    Model: {
      fields: {
        irVersion: field(1, "int64"),
        producerName: field(2, "string"),
        graph: field(7, "Graph"),
        opsetImport: field(8, "OperatorSet", "repeated"),
      },
    },
  },
});

const attributeMessage = (name: string, value: Attribute): object => {
  if (typeof value === "number") return { name, i: value, type: 2 };
  if (typeof value === "string") return { name, s: Buffer.from(value), type: 3 };
  if ("float" in value) return { name, f: value.float, type: 1 };
  return { name, ints: value, type: 7 };
};

const valueMessage = ({ name, type, shape }: OnnxValue): object => ({
  name,
  type: {
    tensorType: {
      elemType: elementCodes[type],
      shape: {
        dim: shape.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })),
      },
    },
  },
});

/** Serialises `graph` to the bytes that an ONNX runtime loads. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const model = schema.lookupType("Model");
  return model
    .encode(
      model.fromObject({
        irVersion: 9,
        producerName: "errata",
        opsetImport: [
          { domain: "", version: 18 },
          { domain: "com.microsoft", version: 1 },
        ],
        graph: {
          name: "graph",
          node: graph.nodes.map((node) => ({
            input: node.inputs,
            output: node.outputs,
            opType: node.operator,
            domain: node.domain,
            attribute: Object.entries(node.attributes).map(([name, value]) =>
              attributeMessage(name, value),
            ),
          })),
          initializer: graph.constants.map(({ name, type, shape, bytes }) => ({
            name,
            dims: shape,
            dataType: elementCodes[type],
            rawData: bytes,
          })),
          input: graph.inputs.map(valueMessage),
          output: graph.outputs.map(valueMessage),
        },
      }),
    )
    .finish();
}
