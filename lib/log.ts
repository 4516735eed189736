/** Sets up logging once per process: text for people, or one JSON object a line; always to standard error. */
import { configure, jsonLinesFormatter, type LogLevel } from "log";
import type { Flag } from "./flags.ts";
import { choice } from "./flags.ts";

const levels = ["debug", "info", "warning", "error"] as const;

export const logFlags = {
  "log-level": choice("what to log", levels, "info"),
  "log-format": choice("how to log", ["text", "json"], "text") as Flag<"text" | "json">,
};

export async function startLogging(options: { level: LogLevel; format: "text" | "json" }): Promise<void> {
  const encoder = new TextEncoder();
  const write = (line: string) => Deno.stderr.writeSync(encoder.encode(line));
  await configure({
    sinks: {
      out: (record) => {
        if (options.format === "json") return void write(jsonLinesFormatter(record));
        const message = record.message.map((part) => typeof part === "string" ? part : String(part)).join("");
        const room = record.category.slice(1).join("/");
        write(`${new Date(record.timestamp).toISOString()} ${record.level} ${room}: ${message}\n`);
      },
    },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["out"] },
      { category: ["sauropod"], lowestLevel: options.level, sinks: ["out"] },
    ],
    reset: true,
  });
}
