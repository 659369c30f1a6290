import { lazy, Suspense, useEffect } from "react";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { ErrorState } from "../components/ErrorState";
import { Loading } from "../components/Loading";
import { GatePage } from "../pages/gate/GatePage";
import { session, useSession } from "../session/session";

// The sign-in page loads without what only signed-in operators see.
const SignedIn = lazy(() => import("./SignedIn"));

/** How often a box that does not answer is asked. */
const RETRY_MS = 5000;

/** Who may see what: the gate before signing in, the pages after. */
export function App() {
  const { auth, failure, expired } = useSession();
  useEffect(() => void session.refresh(), []);
  useEffect(() => {
    if (auth || !failure) return;
    // A box that starts, or comes back, needs nobody to press a button.
    const timer = setTimeout(() => void session.refresh(), RETRY_MS);
    return () => clearTimeout(timer);
  }, [auth, failure]);
  if (!auth) {
    return <main>{failure ? <ErrorState failure={failure} onRetry={session.refresh} /> : <Loading label="Asking the appliance" />}</main>;
  }
  if (auth.phase === "authenticated" || expired) {
    return (
      <ErrorBoundary>
        <Suspense fallback={<Loading label="Loading the page" />}>
          <SignedIn />
        </Suspense>
      </ErrorBoundary>
    );
  }
  return <GatePage auth={auth} />;
}
