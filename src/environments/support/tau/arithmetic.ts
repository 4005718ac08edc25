/** The calculator of tau-bench's agents. */
import { ToolError } from "../tool.js";

/** Longer expressions could be nested deeper than a recursion goes. */
const LONGEST = 1000;

/**
 * The value of an expression of numbers, `+ - * /` and parentheses, rounded to cents.
 * @throws ToolError when it is anything else.
 */
export function calculate(expression: string): number {
  if (expression.length > LONGEST)
    throw new ToolError(`the expression is longer than ${LONGEST} characters`);
  if (/[^0-9+\-*/(). ]/.test(expression)) throw new ToolError("invalid characters in expression");
  const tokens = expression.match(/\d+\.?\d*|\.\d+|[-+*/()]/g) ?? [];
  let next = 0;
  const value = sum();
  if (next < tokens.length || !Number.isFinite(value)) throw invalid();
  return Number(value.toFixed(2));

  function sum(): number {
    let total = product();
    while (tokens[next] === "+" || tokens[next] === "-") {
      total += tokens[next++] === "+" ? product() : -product();
    }
    return total;
  }

  function product(): number {
    let total = signed();
    while (tokens[next] === "*" || tokens[next] === "/") {
      total = tokens[next++] === "*" ? total * signed() : total / signed();
    }
    return total;
  }

  function signed(): number {
    const token = tokens[next++];
    if (token === "-") return -signed();
    if (token === "+") return signed();
    if (token === "(") {
      const inner = sum();
      if (tokens[next++] !== ")") throw invalid();
      return inner;
    }
    const value = Number(token);
    if (token === undefined || Number.isNaN(value)) throw invalid();
    return value;
  }

  function invalid(): ToolError {
    return new ToolError(`cannot calculate ${JSON.stringify(expression)}`);
  }
}
