/**
 * `/livez`, `/readyz` and `/healthz`: named checks, each also at a path of its own, all of them listed with `?verbose`
 * (k8s.io/apiserver/pkg/server/healthz/healthz.go). Why one fails is told to who has said who it is, and to the log.
 */
import { getLogger } from "log";

const logger = getLogger(["sauropod", "apiserver"]);

export interface Check {
  /** May have slashes: `poststarthook/rbac/bootstrap-roles`. */
  readonly name: string;
  /** Rejects or throws with what is wrong; may answer a remark for who asks with `?verbose`. */
  check(): void | string | Promise<void>;
}

export type Endpoint = "livez" | "readyz" | "healthz";

export interface HealthChecks {
  /** `trusted`: it may be told what is wrong. */
  answer(endpoint: Endpoint, url: URL, options: { trusted: boolean }): Promise<Response>;
}

/** Live: worth keeping. Ready: worth sending requests to; asks the live checks too. */
export function createHealth(checks: { live: readonly Check[]; ready: readonly Check[] }): HealthChecks {
  return {
    async answer(endpoint, url, { trusted }) {
      const all = endpoint === "livez" ? checks.live : [...checks.live, ...checks.ready];
      const name = decodeURIComponent(url.pathname.split("/").slice(2).join("/"));
      if (name === "") return await answerAll({ endpoint, all, url, trusted });
      const check = all.find((check) => check.name === name);
      if (check === undefined) return text(`${endpoint}: no check ${JSON.stringify(name)}\n`, 404);
      const { wrong } = await ask(check);
      if (wrong === undefined) return text("ok", 200);
      return text(`internal server error: ${trusted ? wrong : "reason withheld"}\n`, 500);
    },
  };
}

interface Asked {
  endpoint: Endpoint;
  all: readonly Check[];
  url: URL;
  trusted: boolean;
}

async function answerAll({ endpoint, all, url, trusted }: Asked): Promise<Response> {
  const excluded = new Set(url.searchParams.getAll("exclude").filter((name) => name !== ""));
  const lines: string[] = [];
  const failures: string[] = [];
  for (const check of all) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const { wrong, remark } = await ask(check);
    if (wrong === undefined) lines.push(`[+]${check.name} ok${remark === undefined || !trusted ? "" : `: ${remark}`}`);
    else {
      lines.push(`[-]${check.name} failed: ${trusted ? wrong : "reason withheld"}`);
      failures.push(`${check.name}: ${wrong}`);
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name.slice(0, 100))).join(", ");
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  if (failures.length > 0) {
    logger.debug("{endpoint} check failed: {failures}", { endpoint, failures: failures.join("; ") });
    return text([...lines, `${endpoint} check failed`, ""].join("\n"), 500);
  }
  if (!url.searchParams.has("verbose")) return text("ok", 200);
  return text([...lines, `${endpoint} check passed`, ""].join("\n"), 200);
}

async function ask({ check }: Check): Promise<{ wrong?: string; remark?: string }> {
  try {
    const remark = await check();
    return { remark: remark ?? undefined };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

function text(body: string, status: number): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache, private",
    },
  });
}
