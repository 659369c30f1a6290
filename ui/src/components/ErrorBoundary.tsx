import { Component, type ErrorInfo, type ReactNode } from "react";
import { ApiFailure } from "../api/failure";
import { ErrorState } from "./ErrorState";

/**
 * A page that cannot be drawn ends alone. After an update of the appliance the files of the older pages
 * are gone, which is seen here too: loading anew helps in both cases.
 */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(error, info.componentStack);
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const failure = new ApiFailure(0, "page_error", "This page could not be shown. If the appliance was just updated, loading it anew helps.");
    return <ErrorState failure={failure} onRetry={() => window.location.reload()} />;
  }
}
