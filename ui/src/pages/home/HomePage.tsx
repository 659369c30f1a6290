import StatusPage from "../status/StatusPage";

/** What `/` shows: the install while it is not finished, the status from then on. */
export default function HomePage() {
  return <StatusPage />;
}
