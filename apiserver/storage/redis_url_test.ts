import assert from "assert";
import { parseRedisUrl, type RedisAddress } from "./redis_url.ts";

Deno.test("parseRedisUrl() reads every accepted form", () => {
  const check = (url: string, expected: Partial<RedisAddress>) =>
    assert.deepEqual(parseRedisUrl(url), { db: 0, tls: false, shown: url, ...expected }, url);
  check("redis://db.example", { host: "db.example", port: 6379 });
  check("redis://10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, db: 3 });
  check("redis://[fd00::1]:7000", { host: "fd00::1", port: 7000 });
  check("redis://[fd00::1]", { host: "fd00::1", port: 6379 });
  check("rediss://db.example:6380", { host: "db.example", port: 6380, tls: true });
  check("/run/redis.sock", { path: "/run/redis.sock" });
  check("redis+unix:///run/my%20redis.sock?db=2", {
    path: "/run/my redis.sock",
    db: 2,
    shown: "redis+unix:///run/my%20redis.sock",
  });
  check("unix:/run/r.sock?db=1", { path: "/run/r.sock", db: 1, shown: "redis+unix:///run/r.sock" });
  check("redis+sentinel://a:1,b,[::1]:3/main", {
    sentinels: [{ host: "a", port: 1 }, { host: "b", port: 26379 }, { host: "::1", port: 3 }],
    name: "main",
  });
  check("rediss+sentinel://a:1/main/4", { sentinels: [{ host: "a", port: 1 }], name: "main", db: 4, tls: true });
});

Deno.test("parseRedisUrl() takes credentials and never shows them", () => {
  const check = (url: string, expected: Partial<RedisAddress>) => {
    const address = parseRedisUrl(url);
    const { username, password } = address;
    assert.deepEqual({ username, password }, { username: undefined, ...expected });
    assert.ok(!address.shown.includes("s3cret"), address.shown);
  };
  check("redis://user:s3cret%2F%40@h", { username: "user", password: "s3cret/@" });
  check("redis://:s3cret@h:1/2", { password: "s3cret" });
  check("rediss+sentinel://u:s3cret@a:1,b:2/main", { username: "u", password: "s3cret" });
  check("redis+unix://:s3cret@/run/r.sock", { password: "s3cret" });
});

Deno.test("parseRedisUrl() refuses the rest, naming the flag, without repeating a password", () => {
  const bad = [
    "",
    "redis",
    "localhost:6379",
    "http://h",
    "redis://",
    "redis://h:0",
    "redis://h:99999",
    "redis://h/x",
    "redis://s3cret@h",
    "redis+unix://h/path",
    "redis+sentinel://a:1",
    "redis+sentinel://a:1,/main",
    "redis+sentinel://u:s3cret@a:1/main/1/2",
  ];
  for (const url of bad) {
    assert.throws(() => parseRedisUrl(url), (error: Error) => {
      assert.ok(error instanceof TypeError && error.message.startsWith("--redis: "), `${url}: ${error.message}`);
      assert.ok(!error.message.includes("s3cret"));
      return true;
    }, url);
  }
});
