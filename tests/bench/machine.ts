/** On what was measured: figures without it mean nothing. */

/** `AMD EPYC, 2 cores, 23.5 GiB, Linux 6.18, Deno 2.9.6` */
export async function machine(): Promise<string> {
  const info = await Deno.readTextFile("/proc/cpuinfo");
  const cpu = /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? Deno.build.arch;
  const gib = Deno.systemMemoryInfo().total / 2 ** 30;
  return `${cpu}, ${navigator.hardwareConcurrency} cores, ${
    gib.toFixed(1)
  } GiB, Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}`;
}

/** Processes that wanted a core during the last minute: above the number of cores figures are too low. */
export const load = () => Deno.loadavg()[0]!;
