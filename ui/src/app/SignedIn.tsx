import { Suspense, useEffect } from "react";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { Loading } from "../components/Loading";
import { SignInAgain } from "../pages/gate/SignInAgain";
import { NotFoundPage } from "../pages/NotFoundPage";
import { useSession } from "../session/session";
import { Layout } from "./Layout";
import { navigate, usePath } from "./router";
import { routeOf } from "./routes";

/** The frame around every page of a signed-in operator, and the page that the address names. */
export default function SignedIn() {
  const { auth, expired } = useSession();
  const path = usePath();
  const to = auth ? elsewhere(path, auth.mode, auth.setupReEditable) : undefined;
  useEffect(() => {
    if (to) navigate(to, { replace: true });
  }, [to]);
  const Page = routeOf(path)?.page ?? NotFoundPage;
  return (
    <Layout>
      <ErrorBoundary key={path}>
        <Suspense fallback={<Loading label="Loading the page" />}>{to ? <Loading label="Loading the page" /> : <Page />}</Suspense>
      </ErrorBoundary>
      {expired && <SignInAgain />}
    </Layout>
  );
}

/** Where the viewer belongs instead: a fresh box has nothing but its wizard, a running one has none. */
export function elsewhere(path: string, mode: "setup" | "status", reEditable: boolean): string | undefined {
  if (path === "/sign-in") return "/";
  if (mode === "setup" && (path === "/" || path === "/status" || path === "/install")) return "/setup/";
  if (mode === "status" && path === "/setup" && !reEditable) return "/";
  return undefined;
}
