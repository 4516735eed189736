import { storeContract } from "./store_contract.ts";
import { noRedis, TestRedis } from "./test_redis.ts";

const ignore = noRedis !== undefined;

Deno.test({
  name: "openRedisStore() keeps the store's contract",
  ignore,
  async fn(t) {
    await using redis = await TestRedis.start();
    await storeContract(t, async () => redis.place());
  },
});
