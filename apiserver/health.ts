/** `/livez`, `/readyz` and `/healthz`: named checks, each also at a path of its own, all of them listed with `?verbose`. */

export interface Check {
  readonly name: string;
  /** Rejects or throws with what is wrong; may answer a remark for who asks with `?verbose`. */
  check(): void | string | Promise<void>;
}

export interface HealthChecks {
  answer(endpoint: "livez" | "readyz" | "healthz", url: URL): Promise<Response>;
}

/** Live: worth keeping. Ready: worth sending requests to; asks the live checks too. */
export function createHealth(checks: { live: readonly Check[]; ready: readonly Check[] }): HealthChecks {
  return {
    async answer(endpoint, url) {
      const all = endpoint === "livez" ? checks.live : [...checks.live, ...checks.ready];
      const only = url.pathname.split("/")[2];
      const excluded = new Set(url.searchParams.getAll("exclude"));
      const asked = all.filter(({ name }) => only === undefined || only === "" ? !excluded.has(name) : name === only);
      if (asked.length === 0 && only) return text(`${endpoint}: no check ${JSON.stringify(only)}\n`, 404);
      const lines: string[] = [];
      let failed = false;
      for (const { name, check } of asked) {
        try {
          const remark = await check();
          lines.push(`[+]${name} ok${remark === undefined ? "" : `: ${remark}`}`);
        } catch (error) {
          failed = true;
          lines.push(`[-]${name} failed: ${(error as Error).message}`);
        }
      }
      if (!failed && !url.searchParams.has("verbose")) return text("ok", 200);
      return text([...lines, `${endpoint} check ${failed ? "failed" : "passed"}`, ""].join("\n"), failed ? 500 : 200);
    },
  };
}

function text(body: string, status: number): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}
