import assert from "assert";
import { address, choice, cidr, duration, FlagError, HelpAsked, parseFlags, port, portRange, text } from "./flags.ts";

const flags = {
  port: port("the port", 6443),
  "node-name": text("the name", "NAME"),
  "proxy-mode": choice("how", ["nftables", "userspace"], "nftables"),
  "service-cidr": cidr("range", "10.96.0.0/16", 28),
  "node-ip": address("address"),
  "node-port-range": portRange("ports", { from: 30000, to: 32767 }),
};
const parse = (args: string[], env: Record<string, string> = {}, file = "") =>
  parseFlags(flags, { args, env, readFile: () => file });

Deno.test("duration() takes minutes and seconds within its bounds", () => {
  const flag = duration("", 50_000, { fromMs: 15_000, toMs: 3_600_000 });
  for (const [given, ms] of [["50s", 50_000], ["1m30s", 90_000], ["60m", 3_600_000]] as const) {
    assert.equal(flag.parse(given).ms, ms, given);
  }
  assert.equal(String(flag.default), "50s");
  for (const given of ["", "50", "14s", "61m", "1.5m", "-50s", "1h"]) {
    assert.throws(() => flag.parse(given), /is not a time like 50s or 1m30s, from 15s to 3600s/, given);
  }
});

Deno.test("parseFlags() takes the flag before the environment before the file before the default", () => {
  assert.equal(parse(["--port", "1", "--config", "f"], { SAUROPOD_PORT: "2" }, "port: 3").values.port, 1);
  assert.equal(parse(["--config", "f"], { SAUROPOD_PORT: "2" }, "port: 3").values.port, 2);
  assert.equal(parse(["--config=f"], {}, "port: 3").values.port, 3);
  assert.equal(parse([]).values.port, 6443);
  assert.deepEqual(parse(["start", "--node-name=a=b", "x"]), {
    values: { ...parse([]).values, "node-name": "a=b" },
    rest: ["start", "x"],
  });
});

Deno.test("parseFlags() answers --help with a line for each flag, whatever else is wrong", () => {
  assert.throws(() => parse(["--port", "x", "--help"]), (error: Error) => {
    assert.ok(error instanceof HelpAsked);
    assert.equal(error.message.split("\n").length, Object.keys(flags).length);
    assert.match(error.message, /^ {2}--port PORT +the port \(default 6443\)$/m);
    return true;
  });
});

Deno.test("parseFlags() refuses what is wrong, with the name it was given by", () => {
  const wrong: [string[], Record<string, string>, string, RegExp][] = [
    [["--port", "0"], {}, "", /^--port: "0" is not a port/],
    [["--port", "6443x"], {}, "", /^--port: /],
    [[], { SAUROPOD_PORT: "70000" }, "", /^SAUROPOD_PORT: "70000"/],
    [["--config", "f"], {}, "port: many", /^f: port: "many"/],
    [["--config", "f"], {}, "prot: 1", /there is no flag "prot"/],
    [["--config", "f"], {}, "- a", /must be a YAML mapping/],
    [["--prot", "1"], {}, "", /^--prot: there is no such flag; known are --port, /],
    [["--port"], {}, "", /^--port: needs a value/],
    [["--proxy-mode", "ipvs"], {}, "", /^--proxy-mode: "ipvs" is not one of nftables, userspace/],
    [["--service-cidr", "10.96.0.1/16"], {}, "", /bits set below its prefix/],
    [["--service-cidr", "10.96.0.0/31"], {}, "", /prefix from 8 to 28/],
    [["--service-cidr", "fd00::/108"], {}, "", /IPv6 is not supported yet/],
    [["--service-cidr", "10.96.0.0/16,fd00::/108"], {}, "", /IPv6 is not supported yet, alone or beside IPv4/],
    [["--node-ip", "1.2.3.256"], {}, "", /not an IPv4 address/],
    [["--node-ip", "fe80::1"], {}, "", /not supported yet/],
    [["--node-port-range", "5-1"], {}, "", /not a range of ports/],
  ];
  for (const [args, env, file, message] of wrong) {
    assert.throws(
      () => parse(args, env, file),
      (error: Error) => error instanceof FlagError && message.test(error.message),
      String(message),
    );
  }
});
