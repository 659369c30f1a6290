import type { ReactNode } from "react";
import { Masthead, MastheadBrand, MastheadContent, MastheadMain } from "@patternfly/react-core/dist/esm/components/Masthead";
import { Nav, NavItem, NavList } from "@patternfly/react-core/dist/esm/components/Nav";
import { SkipToContent } from "@patternfly/react-core/dist/esm/components/SkipToContent";
import { useSession } from "../session/session";
import { ConnectionState } from "./ConnectionState";
import styles from "./Layout.module.css";
import { Link, usePath } from "./router";
import { routes } from "./routes";
import { SignOut } from "./SignOut";
import { ThemeSwitch } from "./ThemeSwitch";

/** The frame around every page: what this is, whether it answers, where one can go. */
export function Layout({ children }: { children: ReactNode }) {
  const { auth } = useSession();
  const isSetup = auth?.mode === "setup";
  return (
    <div className={styles["frame"]}>
      <SkipToContent href="#main">Skip to content</SkipToContent>
      <Masthead display={{ default: "inline" }} className={styles["masthead"]}>
        <MastheadMain>
          <MastheadBrand>
            <Link to="/" className={styles["brand"]}>
              Alga appliance
            </Link>
          </MastheadBrand>
        </MastheadMain>
        <MastheadContent className={styles["tools"]}>
          {!isSetup && <ConnectionState />}
          <ThemeSwitch />
          <SignOut />
        </MastheadContent>
      </Masthead>
      {!isSetup && <Navigation />}
      <main id="main" tabIndex={-1} className={styles["main"]}>
        {children}
      </main>
    </div>
  );
}

function Navigation() {
  const path = usePath();
  return (
    <Nav variant="horizontal" aria-label="Pages" className={styles["nav"]}>
      <NavList>
        {routes
          .filter((route) => route.nav)
          .map((route) => (
            <NavItem key={route.path} itemId={route.path} isActive={route.path === (path === "/status" ? "/" : path)}>
              <Link to={route.path}>{route.nav}</Link>
            </NavItem>
          ))}
      </NavList>
    </Nav>
  );
}

