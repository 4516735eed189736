import assert from "assert";
import { created, createErrors, defaulted, isIdempotent } from "../meta/kind_scene.ts";
import { limitRange } from "./limit_range.ts";

const limits = (...items: Record<string, unknown>[]) => ({ spec: { limits: items } });

Deno.test("limitRange defaults limits to the maximum, and requests to limits or the minimum", () => {
  const given = limits({
    type: "Container",
    max: { cpu: "2" },
    min: { cpu: "1", memory: "1Gi" },
    default: { memory: "2Gi" },
  }, { type: "Pod", max: { cpu: "0.0001" } });
  assert.deepEqual(defaulted(limitRange, given).spec.limits, [{
    type: "Container",
    max: { cpu: "2" },
    min: { cpu: "1", memory: "1Gi" },
    default: { cpu: "2", memory: "2Gi" },
    defaultRequest: { cpu: "2", memory: "2Gi" },
  }, { type: "Pod", max: { cpu: "1m" } }]);
  const lone = defaulted(limitRange, limits({ type: "Container", min: { cpu: "1" } })).spec.limits[0];
  assert.deepEqual(lone, { type: "Container", min: { cpu: "1" }, defaultRequest: { cpu: "1" } });
  assert.ok(isIdempotent(limitRange, given));
});

Deno.test("limitRange says all that is wrong", () => {
  const at = "spec.limits[0]";
  const table: [Record<string, unknown>, string[]][] = [
    [{ type: "Container", max: { cpu: "2" }, min: { cpu: "1" }, maxLimitRequestRatio: { cpu: "2" } }, []],
    [{ type: "PersistentVolumeClaim", max: { storage: "1Gi" } }, []],
    [{ type: "example.com/Image", max: { storage: "1Gi" } }, []],
    [{ type: "Node" }, [`${at}.type: Invalid value: "Node": must be a standard limit type or fully qualified`]],
    [{ type: "PersistentVolumeClaim" }, [
      `${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`,
    ]],
    [{ type: "Pod", default: { cpu: "1" }, defaultRequest: { cpu: "1" } }, [
      `${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`,
      `${at}.defaultRequest: Forbidden: may not be specified when \`type\` is 'Pod'`,
    ]],
    [{ type: "Pod", max: { storage: "1Gi", speed: "1" } }, [
      `${at}.max[storage]: Invalid value: "storage": must be a standard resource for containers`,
      `${at}.max[speed]: Invalid value: "speed": must be a standard resource type or fully qualified`,
      `${at}.max[speed]: Invalid value: "speed": must be a standard resource for containers`,
    ]],
    [{
      type: "Container",
      min: { cpu: "3" },
      max: { cpu: "1" },
      default: { cpu: "2" },
      defaultRequest: { cpu: "2500m" },
    }, [
      `${at}.min[cpu]: Invalid value: "3": min value 3 is greater than max value 1`,
      `${at}.defaultRequest[cpu]: Invalid value: "2500m": min value 3 is greater than default request value 2500m`,
      `${at}.defaultRequest[cpu]: Invalid value: "2500m": default request value 2500m is greater than max value 1`,
      `${at}.defaultRequest[cpu]: Invalid value: "2500m": default request value 2500m is greater than default limit value 2`,
      `${at}.default[cpu]: Invalid value: "3": min value 3 is greater than default value 2`,
      `${at}.default[cpu]: Invalid value: "1": default value 2 is greater than max value 1`,
    ]],
    [{ type: "Pod", min: { cpu: "500m" }, max: { cpu: "1" }, maxLimitRequestRatio: { cpu: "2500m", memory: "500m" } }, [
      `${at}.maxLimitRequestRatio[cpu]: Invalid value: "2500m": ratio 2500m is greater than max/min = 2.000000`,
      `${at}.maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1`,
    ]],
    [{ type: "Container", default: { "example.com/gpu": "2" }, defaultRequest: { "example.com/gpu": "1" } }, [
      `${at}.defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in ` +
      "example.com/gpu",
    ]],
  ];
  for (const [item, expected] of table) assert.deepEqual(createErrors(limitRange, limits(item)), expected);
  assert.deepEqual(createErrors(limitRange, limits({ type: "Pod" }, { type: "Pod" })), [
    'spec.limits[1].type: Duplicate value: "Pod"',
  ]);
});

Deno.test("limitRange has no columns of its own", () => {
  assert.deepEqual(limitRange.columns, []);
  assert.equal(created(limitRange, {}).spec.limits.length, 0);
});
