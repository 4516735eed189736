import assert from "assert";
import { imageTag } from "./image_name.ts";

const digest = `sha256:${"0".repeat(64)}`;

const cases: [string, string][] = [
  ["nginx", "latest"],
  ["nginx:latest", "latest"],
  ["nginx:1.29", "1.29"],
  ["library/nginx", "latest"],
  ["localhost/nginx:v1", "v1"],
  ["registry.example.com:5000/team/app", "latest"],
  ["registry.example.com:5000/team/app:v2", "v2"],
  ["[2001:db8::1]:5000/app:v3", "v3"],
  [`nginx@${digest}`, ""],
  [`nginx:1.29@${digest}`, "1.29"],
  ["Nginx", ""],
  ["REG/nginx", "latest"],
  ["nginx:", ""],
  ["", ""],
  [" nginx", ""],
  ["a".repeat(64), ""],
  ["x".repeat(300), ""],
];

Deno.test("imageTag() is `latest` where no tag and no digest are given", () => {
  for (const [image, tag] of cases) assert.equal(imageTag(image), tag, image);
});
