/** One supervisor per data directory. */
import { sleep, systemClock } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";

/** Takes the directory's lock and writes our process id into it. Throws, naming the holder, when another process has it. */
export async function lock(dataDir: string, { waitMs = 0 }: { waitMs?: number } = {}): Promise<Disposable> {
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = `${dataDir}/supervisor.pid`;
  const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
  const until = systemClock.now() + waitMs;
  while (!file.tryLockSync(true)) {
    if (systemClock.now() >= until) {
      file.close();
      const holder = (await readText(path))?.trim();
      throw new Error(
        `${dataDir} is in use by another sauropod (pid ${holder}): deno task stop ends it, --data-dir names another place`,
      );
    }
    await sleep(systemClock, 50);
  }
  await file.truncate(0);
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return { [Symbol.dispose]: () => file.close() };
}

/** The process id of the supervisor that holds the directory, if one does. */
export async function runningPid(dataDir: string): Promise<number | undefined> {
  const path = `${dataDir}/supervisor.pid`;
  const pid = Number((await readText(path))?.trim());
  if (!(pid > 1)) return undefined;
  using file = await Deno.open(path, { read: true, write: true });
  return file.tryLockSync(true) ? undefined : pid;
}
