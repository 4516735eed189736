import { MemoryData } from "./memory_data.ts";
import { MemoryStore } from "./memory.ts";
import { storeContract } from "./store_contract.ts";

Deno.test("MemoryStore() keeps the store's contract", async (t) => {
  await storeContract(t, async () => {
    const stores: MemoryStore[] = [];
    let data: MemoryData | undefined;
    return {
      async open({ entriesMax = 10_000 } = {}) {
        data ??= new MemoryData({ main: entriesMax, lease: entriesMax, event: entriesMax });
        const store = new MemoryStore({ data });
        stores.push(store);
        return store;
      },
      async close() {
        for (const store of stores) await store.close();
      },
    };
  });
});
