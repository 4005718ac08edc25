/** Who may ask: hosts, origins, keys. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { errorResponse, RequestError } from "./errors.js";

export interface GuardOptions {
  /** The address that the server is bound to. */
  readonly host: string;
  /** Any of these is asked for as a bearer token; none: nobody is asked. */
  readonly keys: readonly string[];
}

const loopback: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Whether `host` is only reached from this machine. */
export function isLoopback(host: string): boolean {
  return loopback.includes(host) || host === "::1";
}

/**
 * Refuses requests under another name than the server's own (DNS rebinding), those of web pages from
 * elsewhere, and those without a key where there are keys.
 */
export function guard({ host, keys }: GuardOptions): MiddlewareHandler {
  const digests = keys.map(digest);
  const own = [...loopback, host];
  return async (context, next) => {
    const named = nameOf(`http://${context.req.header("host") ?? ""}`);
    const anyName = host === "0.0.0.0" || host === "::"; // a key is asked for there
    if (!anyName && !own.includes(named))
      return errorResponse(
        context,
        new RequestError(403, `this server is not called "${named}"`, { code: "host" }),
      );
    const origin = context.req.header("origin");
    if (origin !== undefined && nameOf(origin) !== named && !loopback.includes(nameOf(origin)))
      return errorResponse(
        context,
        new RequestError(403, `pages of ${origin} may not ask`, { code: "origin" }),
      );
    if (digests.length > 0) {
      const given = digest(
        /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1] ?? "",
      );
      if (!digests.some((known) => timingSafeEqual(known, given)))
        return errorResponse(
          context,
          new RequestError(401, "a key is asked for, and this is none", {
            code: "invalid_api_key",
          }),
        );
    }
    return next();
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function nameOf(address: string): string {
  try {
    return new URL(address).hostname;
  } catch {
    return "";
  }
}
