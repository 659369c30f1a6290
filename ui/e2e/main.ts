import { broken } from "./scenarios/broken";
import { disturbed } from "./scenarios/disturbed";
import { firstSetup } from "./scenarios/first-setup";
import { install } from "./scenarios/install";
import { look } from "./scenarios/look";
import { manage } from "./scenarios/manage";
import { restart } from "./scenarios/restart";
import { session } from "./scenarios/session";
import { support } from "./scenarios/support";
import { workloads } from "./scenarios/workloads";

/** `node main.mjs NAME` runs one scenario; it ends with 0 if what it says holds. */
const SCENARIOS: Record<string, () => Promise<void>> = { look, disturbed, install, restart, "first-setup": firstSetup, session, workloads, manage, support, broken };

const name = process.argv[2] ?? "";
const scenario = SCENARIOS[name];
if (!scenario) {
  console.error(`there is no scenario “${name}”; there are ${Object.keys(SCENARIOS).join(", ")}`);
  process.exit(2);
}
await scenario().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
