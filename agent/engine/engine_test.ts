import { systemClock } from "../../lib/seams/clock.ts";
import { engineMissing, startEngine } from "../../tests/harness/engines.ts";
import { engineContract } from "./engine_contract.ts";
import { FakeEngine } from "./fake.ts";

engineContract("fake", {
  make: async () => ({ engine: new FakeEngine({ clock: systemClock }), stop: async () => {} }),
});
for (const name of ["podman", "docker"] as const) {
  engineContract(name, { make: () => startEngine(name), missing: engineMissing(name) });
}
