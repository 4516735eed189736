/** How hosts come and go. */
import type { ManyScene } from "../many_scenario.ts";
export async function joins(_scene: ManyScene): Promise<void> {}
