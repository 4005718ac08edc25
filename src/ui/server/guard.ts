/**
 * Who may ask the server what. A page of another site can make a browser send requests to loopback
 * (cross-site request forgery) or point its own name at it (DNS rebinding), so the names that requests
 * come for and from are checked; and whatever a model wrote is only ever text: no inline script runs.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Refusal } from "../api.js";

/** Most bytes of a request's body: a verdict with a note. */
export const mostBodyBytes: number = 16 * 1024;

/** What the guard knows of the server. */
export interface GuardOptions {
  /** Address that the server is bound to. */
  readonly host: string;
  /** Port, known once it listens. */
  readonly port: () => number;
  readonly token: string;
}

/** A token that cannot be guessed: 256 random bits, base64url. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Nothing from elsewhere, no inline script or style, no frame around it. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A study's report has its styles within, and neither scripts nor anything from elsewhere. */
export const reportPolicy: string =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** Answers a request with a refusal. */
export function refuse(
  context: Context,
  status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 503,
  code: string,
  message: string,
): Response {
  return context.json({ error: { code, message } } satisfies Refusal, status);
}

/** Sets the headers that every answer carries. */
export const headers: MiddlewareHandler = async (context, next) => {
  await next();
  const set = (name: string, value: string): void => {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  };
  set("content-security-policy", contentPolicy);
  set("x-content-type-options", "nosniff");
  set("x-frame-options", "DENY");
  set("referrer-policy", "no-referrer");
  set("cross-origin-opener-policy", "same-origin");
  set("cross-origin-resource-policy", "same-origin");
  set("cache-control", "no-store");
};

/** Host names that requests may come for. */
function ownNames(host: string): ReadonlySet<string> {
  const bracketed = (name: string): string => (name.includes(":") ? `[${name}]` : name);
  const local = ["localhost", "127.0.0.1", "[::1]"];
  if (isLoopback(host)) return new Set([...local, bracketed(host)]);
  const everywhere = host === "0.0.0.0" || host === "::";
  const addresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => bracketed(address)),
  );
  return new Set([...local, bracketed(host), hostname(), ...(everywhere ? addresses : [])]);
}

/** Refuses what does not come for this server, from this server's page, or with its token. */
export function guard({ host, port, token }: GuardOptions): MiddlewareHandler {
  const names = ownNames(host);
  const open = isLoopback(host);
  const isOwn = (authority: string | undefined): boolean => {
    const match = /^(.+?)(?::(\d+))?$/.exec(authority ?? "");
    return match !== null && names.has(match[1]!) && Number(match[2] ?? 80) === port();
  };
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const { method, path } = context.req;
    const authority = header("host");
    if (!isOwn(authority))
      return refuse(context, 421, "UI_HOST", "this server does not answer to that host name");
    const origin = header("origin");
    if (origin !== undefined && origin !== `http://${authority}`)
      return refuse(context, 403, "UI_ORIGIN", "only this server's own page may ask");
    const api = path.startsWith("/api/");
    const site = header("sec-fetch-site");
    if (api && site !== undefined && site !== "same-origin" && site !== "none")
      return refuse(context, 403, "UI_ORIGIN", "only this server's own page may ask");
    const reads = method === "GET" || method === "HEAD";
    if (!reads && method !== "POST")
      return refuse(context, 405, "UI_METHOD", `${method} is not answered`);
    if (!reads && origin === undefined)
      return refuse(context, 403, "UI_ORIGIN", "a verdict must come from this server's own page");
    const admitted =
      isToken(header("authorization"), token) ||
      (reads && (open || isToken(context.req.query("key"), keyOf(token, path))));
    if (api && !admitted)
      return refuse(
        context,
        401,
        "UI_TOKEN",
        "open the address that `errata ui` printed: it carries the token",
      );
    if (!reads && !/^application\/json\s*(;\s*charset=utf-8)?$/i.test(header("content-type") ?? ""))
      return refuse(context, 415, "UI_TYPE", "the body must be application/json");
    await next();
  };
}

/** Refuses bodies over {@link mostBodyBytes}. */
export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: mostBodyBytes,
  onError: (context) => refuse(context, 413, "UI_BODY", `the body is over ${mostBodyBytes} bytes`),
});

/** What opens one path for reading where no header can be sent, as in a frame: HMAC-SHA-256 of it. */
export function keyOf(token: string, path: string): string {
  return createHmac("sha256", token).update(path).digest("base64url");
}

/** Whether an `authorization` header carries the token; compared in constant time. */
export function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header?.replace(/^Bearer /, "") ?? "");
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
