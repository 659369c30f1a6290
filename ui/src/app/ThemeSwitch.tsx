import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import MoonIcon from "@patternfly/react-icons/dist/esm/icons/moon-icon";
import SunIcon from "@patternfly/react-icons/dist/esm/icons/sun-icon";
import { chooseTheme, useIsDark } from "./theme";

/** Between light and dark. Until it is used, the page follows the device. */
export function ThemeSwitch() {
  const dark = useIsDark();
  const other = dark ? "light" : "dark";
  const toggle = () => {
    // Back at what the device says, the page follows it again.
    const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    chooseTheme(other === system ? "system" : other);
  };
  return <Button variant="plain" aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`} icon={dark ? <SunIcon /> : <MoonIcon />} onClick={toggle} data-testid="theme" />;
}
