import assert from "assert";
import { errorsOf, type Loose, makeSpec } from "./fixtures.ts";

const check = (cases: [string, Loose, string[]][]) => async (t: Deno.TestContext) => {
  for (const [name, changes, expected] of cases) {
    await t.step(name, () => assert.deepEqual(errorsOf(makeSpec(changes)), expected));
  }
};

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
const nameError =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueError =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

Deno.test(
  "validateAffinity() checks terms over nodes",
  check([
    ["no terms", { affinity: { nodeAffinity: { [required]: { nodeSelectorTerms: [] } } } }, [
      `affinity.nodeAffinity.${required}.nodeSelectorTerms: Required value: must have at least one node selector term`,
    ]],
    [
      "requirements",
      {
        affinity: {
          nodeAffinity: {
            [required]: {
              nodeSelectorTerms: [{
                matchExpressions: [
                  { key: "a", operator: "In" },
                  { key: "b", operator: "Exists", values: ["x"] },
                  { key: "c", operator: "Gt", values: ["1", "2"] },
                  { key: "d", operator: "Like", values: ["-"] },
                ],
                matchFields: [{ key: "metadata.uid", operator: "In", values: ["x"] }, {
                  key: "metadata.name",
                  operator: "NotIn",
                  values: ["a", "b"],
                }],
              }],
            },
          },
        },
      },
      [
        "matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        "matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        "matchExpressions[2].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        'matchExpressions[3].operator: Invalid value: "Like": not a valid selector operator',
        `matchExpressions[3].values[0]: Invalid value: "-": ${valueError}`,
        'matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key',
        "matchFields[1].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      ].map((error) => `affinity.nodeAffinity.${required}.nodeSelectorTerms[0].${error}`),
    ],
    ["preferences", {
      affinity: {
        nodeAffinity: {
          [preferred]: [{
            weight: 101,
            preference: { matchExpressions: [{ key: "a", operator: "In", values: ["-"] }] },
          }],
        },
      },
    }, [`affinity.nodeAffinity.${preferred}[0].weight: Invalid value: 101: must be in the range 1-100`]],
  ]),
);

Deno.test(
  "validateAffinity() checks terms over pods",
  check([
    ["terms", {
      affinity: {
        podAffinity: {
          [required]: [{
            topologyKey: "",
            namespaces: ["A"],
            labelSelector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "x", operator: "Like" }] },
            matchLabelKeys: ["m"],
            mismatchLabelKeys: ["m"],
          }],
        },
        podAntiAffinity: {
          [preferred]: [{ weight: 0, podAffinityTerm: { topologyKey: "zone", matchLabelKeys: ["v"] } }],
        },
      },
    }, [
      `affinity.podAffinity.${required}[0].labelSelector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator`,
      `affinity.podAffinity.${required}[0].namespace: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      `affinity.podAffinity.${required}[0].matchLabelKeys[0]: Invalid value: "m": exists in both matchLabelKeys and mismatchLabelKeys`,
      `affinity.podAffinity.${required}[0].topologyKey: Required value: can not be empty`,
      `affinity.podAffinity.${required}[0].topologyKey: Invalid value: "": name part must be non-empty`,
      `affinity.podAffinity.${required}[0].topologyKey: Invalid value: "": ${nameError}`,
      `affinity.podAntiAffinity.${preferred}[0].weight: Invalid value: 0: must be in the range 1-100`,
      `affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set`,
    ]],
  ]),
);

Deno.test(
  "validateTopologySpread() checks constraints",
  check([
    [
      "constraints",
      {
        topologySpreadConstraints: [
          { maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "Guess", minDomains: 0, nodeTaintsPolicy: "Maybe" },
          { maxSkew: 1, topologyKey: "", whenUnsatisfiable: "DoNotSchedule" },
          { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "Guess" },
        ],
      },
      [
        "[0].maxSkew: Invalid value: 0: must be greater than zero",
        '[0].whenUnsatisfiable: Unsupported value: "Guess": supported values: "DoNotSchedule", "ScheduleAnyway"',
        '[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, Guess}"',
        "[0].minDomains: Invalid value: 0: must be greater than zero",
        "[0].minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not Guess",
        '[0].nodeTaintsPolicy: Unsupported value: "Maybe": supported values: "Honor", "Ignore"',
        "[1].topologyKey: Required value: can not be empty",
        '[2].whenUnsatisfiable: Unsupported value: "Guess": supported values: "DoNotSchedule", "ScheduleAnyway"',
      ].map((error) => `topologySpreadConstraints${error}`),
    ],
    ["keys that the user selects by, too", {
      topologySpreadConstraints: [{
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule",
        matchLabelKeys: ["hash"],
        labelSelector: {
          matchLabels: { hash: "x" },
          matchExpressions: [{ key: "hash", operator: "In", values: ["x"] }],
        },
      }],
    }, [
      'topologySpreadConstraints[0][0]: Invalid value: "hash": exists in both matchLabelKeys and labelSelector',
    ]],
  ]),
);

Deno.test(
  "validateTolerations() checks tolerations",
  check([
    ["all that is right", {
      tolerations: [
        { operator: "Exists" },
        { key: "a", value: "b", effect: "NoSchedule" },
        { key: "a", operator: "Gt", value: "-5" },
        { key: "b", operator: "Exists", effect: "NoExecute", tolerationSeconds: 0 },
      ],
    }, []],
    [
      "all that is wrong",
      {
        tolerations: [
          {},
          { key: "a", operator: "Exists", value: "x", tolerationSeconds: 1 },
          { key: "a", operator: "Like", effect: "Never" },
          { key: "a", value: "-" },
          { key: "a", operator: "Lt", value: "010" },
          { key: "a", operator: "Gt", value: "" },
          { key: "a", operator: "Gt", value: "9223372036854775808" },
        ],
      },
      [
        '[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
        "[1].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        "[1].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        '[2].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
        '[2].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        `[3].operator: Invalid value: "-": ${valueError}`,
        '[4].value: Invalid value: "010": must be a valid decimal integer in canonical form',
        '[5].value: Invalid value: "": must be non-empty',
        '[5].value: Invalid value: "": strconv.ParseInt: parsing "": invalid syntax',
        '[6].value: Invalid value: "9223372036854775808": strconv.ParseInt: parsing "9223372036854775808": value out of range',
      ].map((error) => `tolerations${error}`),
    ],
  ]),
);
