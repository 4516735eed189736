/** NodePorts: a host port is free on the Node. */
import { type Filter, refusal } from "../plugin.ts";

const taken = refusal("node(s) didn't have free ports for the requested pod ports");

export const nodePorts: Filter = {
  name: "NodePorts",
  prepare({ ports }) {
    if (ports.length === 0) return undefined;
    return (node) => node.hasPorts && ports.some((port) => node.portIsTaken(port)) ? taken : undefined;
  },
};
