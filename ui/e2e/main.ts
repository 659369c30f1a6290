import { disturbed } from "./scenarios/disturbed";
import { look } from "./scenarios/look";

/** `node main.mjs NAME` runs one scenario; it ends with 0 if what it says holds. */
const SCENARIOS: Record<string, () => Promise<void>> = { look, disturbed };

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
